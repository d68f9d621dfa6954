/** What is attached to an image in its index comes with it, and is told; where an image came from, too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  makeImage,
  OCI_INDEX_TYPE,
  OCI_MANIFEST_TYPE,
  RegistryServer,
  sha256,
} from '../../support/registry-server.ts'
import { openImageRoot, pull } from '../images/open-image-root.ts'
import { tarOf } from '../layers/fixture.ts'

const image = makeImage([tarOf([{ name: 'hello', content: 'there' }])])
const statement = Buffer.from(
  JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', predicate: { a: 1 } }),
)
const PROVENANCE = 'https://slsa.dev/provenance/v1'

/** Serves the image in an index with an attestation of it, and one of an image that is not there. */
function serve(server: RegistryServer, name: string): { index: Buffer; attestation: Buffer } {
  const config = Buffer.from(
    '{"architecture":"unknown","os":"unknown","rootfs":{"type":"layers","diff_ids":[]}}',
  )
  const attestation = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST_TYPE,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: sha256(config),
        size: config.length,
      },
      layers: [
        {
          mediaType: 'application/vnd.in-toto+json',
          digest: sha256(statement),
          size: statement.length,
          annotations: { 'in-toto.io/predicate-type': PROVENANCE },
        },
      ],
    }),
  )
  const entry = (digest: string) => ({
    mediaType: OCI_MANIFEST_TYPE,
    digest: sha256(attestation),
    size: attestation.length,
    platform: { architecture: 'unknown', os: 'unknown' },
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': digest,
    },
  })
  const own = { mediaType: image.mediaType, digest: image.manifestDigest, size: image.manifest.length }
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX_TYPE,
      manifests: [
        { ...own, platform: { os: 'linux', architecture: 'amd64' } },
        entry(image.manifestDigest),
        entry(sha256('another')),
      ],
    }),
  )
  server.add(name, image.manifestDigest, image)
  server.addManifest(name, sha256(attestation), { content: attestation, mediaType: OCI_MANIFEST_TYPE })
  server.addManifest(name, 'latest', { content: index, mediaType: OCI_INDEX_TYPE })
  for (const blob of [config, statement]) server.blobs.set(sha256(blob), blob)
  return { index, attestation }
}

const all = { platform: { os: 'linux', architecture: 'amd64' }, types: [], withStatement: true } as const

test('a pull brings the attestations of the image, and they are told', async () => {
  await using server = await RegistryServer.start()
  await using root = openImageRoot()
  const { attestation } = serve(server, 'app')
  const name = `${server.address}/app`
  await pull(root, name, { platform: all.platform })
  const [found, ...others] = await root.images.attestations(name, all)
  assert.deepEqual(others, [])
  assert.equal(found?.PredicateType, PROVENANCE)
  assert.equal(found?.Descriptor.digest, sha256(statement))
  assert.deepEqual(found?.Statement, JSON.parse(statement.toString()))
  assert.deepEqual(await root.images.attestations(name, { ...all, types: ['https://spdx.dev/Document'] }), [])
  const [plain] = await root.images.attestations(name, { ...all, types: [PROVENANCE], withStatement: false })
  assert.equal(plain !== undefined && 'Statement' in plain, false)
  const { Manifests, Identity } = await root.images.inspect(name, { platform: null, manifests: true })
  assert.deepEqual(Identity, { Pull: [{ Repository: name }] })
  assert.deepEqual(
    Manifests?.map(({ Kind, Available, AttestationData }) => [Kind, Available, AttestationData?.For]),
    [
      ['image', true, undefined],
      ['attestation', true, image.manifestDigest],
      ['attestation', true, sha256('another')],
    ],
  )
  assert.equal(Manifests?.[1]?.ID, sha256(attestation))
})

test('an image is whole without attestations that cannot be had', async () => {
  await using server = await RegistryServer.start()
  await using root = openImageRoot()
  serve(server, 'app')
  server.blobs.set(sha256(statement), Buffer.from('something else, of any length whatever it is'))
  const name = `${server.address}/app`
  await pull(root, name, { platform: all.platform })
  assert.deepEqual(await root.images.attestations(name, all), [])
  const { Manifests } = await root.images.inspect(name, { platform: null, manifests: true })
  assert.deepEqual(
    Manifests?.map(({ Available }) => Available),
    [true, false, false],
  )
})
