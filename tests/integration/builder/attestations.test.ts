import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { OCI_INDEX_TYPE, RegistryServer } from '../../support/registry-server.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { builtImage, wharfBuild } from './wharf-build.ts'

let daemon: Wharfd
let other: Wharfd
before(async () => {
  ;[daemon, other] = await Promise.all([Wharfd.startWithBusybox(), Wharfd.startWithBusybox()])
})
after(() => Promise.all([daemon.stop(), other.stop()]))

const files = {
  Dockerfile: `FROM busybox AS base
ARG secretish
RUN mkdir -p /var/lib/dpkg /srv && printf 'Package: hello\\nStatus: install ok installed\\nVersion: 2.10-3\\nArchitecture: amd64\\n' > /var/lib/dpkg/status
RUN echo ID=debian > /etc/os-release
COPY package-lock.json /srv/app/
`,
  'package-lock.json': '{"packages":{"node_modules/left":{"version":"1.2.3","license":"MIT"}}}',
}

interface Entry {
  readonly digest: string
  readonly platform: { readonly architecture: string }
  readonly annotations?: Readonly<Record<string, string>>
}

test('provenance and a bill of materials are pushed with the image, as BuildKit stores them', async () => {
  await using server = await RegistryServer.start()
  const name = `${server.address}/attested:v1`
  const built = await wharfBuild(daemon, files, [
    ...['-t', name, '--push', '--provenance=mode=max', '--sbom=true', '--build-arg', 'secretish=seen'],
  ])
  assert.equal(built.exitCode, 0, built.stderr)
  const pushed = server.manifests.get('attested/v1')
  assert.equal(pushed?.mediaType, OCI_INDEX_TYPE)
  const [image, attestation] = (JSON.parse(String(pushed?.content)) as { manifests: Entry[] }).manifests as [
    Entry,
    Entry,
  ]
  assert.equal(attestation.annotations?.['vnd.docker.reference.type'], 'attestation-manifest')
  assert.equal(attestation.annotations['vnd.docker.reference.digest'], image.digest)
  const manifest = JSON.parse(String(server.manifests.get(`attested/${attestation.digest}`)?.content)) as {
    layers: { digest: string; mediaType: string; annotations: Record<string, string> }[]
  }
  const statements = manifest.layers.map(({ digest }) => JSON.parse(String(server.blobs.get(digest))))
  assert.deepEqual(
    manifest.layers.map((layer) => [layer.mediaType, layer.annotations['in-toto.io/predicate-type']]),
    [
      ['application/vnd.in-toto+json', 'https://spdx.dev/Document'],
      ['application/vnd.in-toto+json', 'https://slsa.dev/provenance/v1'],
    ],
  )
  const [sbom, provenance] = statements
  assert.equal(`sha256:${String(sbom.subject[0].digest.sha256)}`, image.digest)
  assert.deepEqual(
    sbom.predicate.packages.map(
      (found: { externalRefs: [{ referenceLocator: string }] }) => found.externalRefs[0].referenceLocator,
    ),
    ['pkg:deb/debian/hello@2.10-3?arch=amd64', 'pkg:npm/left@1.2.3'],
  )
  const { buildDefinition } = provenance.predicate
  assert.equal(buildDefinition.externalParameters.request.args['build-arg:secretish'], 'seen')
  assert.deepEqual(
    buildDefinition.resolvedDependencies.map(({ uri }: { uri: string }) => uri),
    ['pkg:docker/busybox@latest?platform=linux%2Famd64'],
  )
  // Another daemon pulls and runs it like any image.
  await other.ok('pull', name)
  assert.equal(await other.ok('run', '--rm', name, 'cat', '/etc/os-release'), 'ID=debian')
  await other.ok('rmi', name)
})

test('provenance says neither arguments nor the Dockerfile unless asked for', async () => {
  const dest = join(scratchDirectory('out'), 'layout')
  await wharfBuild(daemon, files, [
    '-o',
    `type=oci,tar=false,dest=${dest}`,
    '--provenance=true',
    '--build-arg',
    'secretish=unseen',
  ])
  const blobs = join(dest, 'blobs/sha256')
  const texts = readdirSync(blobs).map((blob) => readFileSync(join(blobs, blob), 'utf8'))
  const statement = texts.find((text) => text.includes('slsa.dev/provenance'))
  assert.ok(statement !== undefined)
  assert.doesNotMatch(statement, /unseen/)
})

test('SOURCE_DATE_EPOCH makes the same image on two machines, bit for bit', async () => {
  const dockerfile = `FROM busybox
RUN echo made > /f; mkdir -p /d/e; ln /f /g; ln -s f /l; rm /bin/vi; mkfifo /p
WORKDIR /new/dir
COPY package-lock.json .
COPY <<EOF /inline
text
EOF
ENV a=b
`
  const context = { ...files, Dockerfile: dockerfile }
  const digestOf = async (machine: Wharfd, args: readonly string[]): Promise<string> => {
    const metadata = join(scratchDirectory('m'), 'm.json')
    const built = await wharfBuild(machine, context, ['-t', 'same', '--metadata-file', metadata, ...args], {
      env: { SOURCE_DATE_EPOCH: '1700000000' },
    })
    assert.equal(built.exitCode, 0, built.stderr)
    return String(
      (JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, string>)['containerimage.digest'],
    )
  }
  // What was cached without it has other times.
  await builtImage(daemon, context)
  const attested = ['--provenance=mode=max', '--sbom=true']
  assert.equal(await digestOf(daemon, []), await digestOf(other, []))
  assert.equal(await digestOf(daemon, attested), await digestOf(other, attested))
  assert.equal(await digestOf(daemon, ['--squash']), await digestOf(other, ['--squash']))
  assert.equal(await daemon.ok('inspect', '-f', '{{.Created}}', 'same'), '2023-11-14T22:13:20.000Z')
  assert.equal(await daemon.ok('run', '--rm', 'same', 'stat', '-c', '%Y', '/f'), '1700000000')
})

for (const [flag, error] of [
  ['--attest=type=vex', /unknown attestation type "vex"/],
  ['--provenance=mode=all', /invalid mode "all" for provenance/],
  ['--sbom=generator=x/y', /generator images are not supported/],
  ['--build-arg=SOURCE_DATE_EPOCH=soon', /invalid SOURCE_DATE_EPOCH: soon/],
] as const) {
  test(`wharf build ${flag} is refused`, async () => {
    const built = await wharfBuild(daemon, files, [flag])
    assert.equal(built.exitCode, 1)
    assert.match(built.stderr, error)
  })
}
