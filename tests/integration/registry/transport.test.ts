import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, copyFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { makeImage, RegistryServer } from '../../support/registry-server.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { openImageRoot, pull } from '../images/open-image-root.ts'
import { tarOf } from '../layers/fixture.ts'

const image = makeImage([tarOf([{ name: 'hello', content: 'hello' }])])
const options = { signal: AbortSignal.timeout(120_000) }

/** An authority, and a certificate of it for these names. */
function certificates(): {
  readonly directory: string
  readonly ca: string
  readonly key: string
  readonly cert: string
} {
  const directory = scratchDirectory('certs')
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  const subject = (name: string): string[] => ['-subj', `/CN=${name}`]
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...fresh,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '2',
    ...subject('test authority'),
  )
  for (const name of ['server', 'client']) {
    openssl(
      'req',
      '-new',
      ...fresh,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      ...subject(name),
      '-addext',
      'subjectAltName=IP:127.0.0.1,DNS:localhost',
    )
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.crt`,
      '-days',
      '2',
      '-copy_extensions',
      'copy',
    )
  }
  const read = (name: string): string => readFileSync(`${directory}/${name}`, 'utf8')
  return { directory, ca: read('ca.crt'), key: read('server.key'), cert: read('server.crt') }
}

describe('TLS', () => {
  test('trusts the authority of certs.d, with a client certificate where one is wanted', async () => {
    const made = certificates()
    await using server = await RegistryServer.start({
      tls: { key: made.key, cert: made.cert, ca: made.ca, requestCert: true },
    })
    server.add('app', 'latest', image)
    const directory = scratchDirectory('certs.d')
    const own = `${directory}/${server.address}`
    await using root = openImageRoot({ registry: { certificatesDirectory: directory } })
    // What is put in place after a failure is used by the next try.
    await assert.rejects(
      pull(root, `${server.address}/app`),
      /certificate required|alert|reset|disconnected|EOF/,
    )
    mkdirSync(own)
    copyFileSync(`${made.directory}/ca.crt`, `${own}/ca.crt`)
    copyFileSync(`${made.directory}/client.crt`, `${own}/client.cert`)
    await assert.rejects(pull(root, `${server.address}/app`), {
      message:
        'missing key client.key for client certificate client.cert. CA certificates must use the extension .crt',
    })
    copyFileSync(`${made.directory}/client.key`, `${own}/client.key`)
    await pull(root, `${server.address}/app`)
    assert.equal(root.images.get(`${server.address}/app`).id, image.configDigest)
  })

  test('accepts any certificate of an insecure registry, loopback being one', async () => {
    const made = certificates()
    await using server = await RegistryServer.start({ tls: made })
    server.add('app', 'latest', image)
    await using root = openImageRoot()
    await pull(root, `${server.address}/app`)
  })
})

test('speaks to a registry through a proxy, and past it', async () => {
  await using server = await RegistryServer.start()
  server.add('app', 'latest', image)
  const hosts = new Set<string>()
  server.script = (request) => {
    hosts.add(request.headers.host ?? '')
    return false
  }
  const registry = {
    insecureRegistries: ['registry.test:5000'],
    proxies: { http: server.origin, https: server.origin, noProxy: null },
  }
  await using root = openImageRoot({ registry })
  await pull(root, 'registry.test:5000/app')
  assert.deepEqual([...hosts], ['registry.test:5000'])
  // What is on this machine is never reached by a proxy.
  await pull(root, `${server.address}/app`)
  assert.deepEqual([...hosts], ['registry.test:5000', server.address])
})

test('inspect() tells platforms and digest without pulling', async () => {
  await using server = await RegistryServer.start()
  await using root = openImageRoot()
  server.add('app', 'v1', image)
  const { Descriptor, Platforms } = await root.registry.inspect(`${server.address}/app:v1`, {
    ...options,
    auth: null,
  })
  assert.equal(Descriptor.digest, image.manifestDigest)
  assert.deepEqual(Platforms, [{ os: 'linux', architecture: 'amd64' }])
})

describe('search', () => {
  const search = (root: ReturnType<typeof openImageRoot>, term: string, filters: [string, string[]][] = []) =>
    root.images.search(term, { ...options, limit: null, filters: new Map(filters), auth: null })

  test('asks the search API, and filters', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    server.script = (request, response) => {
      if (!request.url?.startsWith('/v1/search?q=web')) return false
      const hit = { description: 'd', is_automated: false }
      const results = [
        { ...hit, name: 'web', star_count: 9, is_official: true },
        { ...hit, name: 'a/web', star_count: 1, is_official: false },
      ]
      response.end(JSON.stringify({ results }))
      return true
    }
    assert.equal((await search(root, `${server.address}/web`)).length, 2)
    const official = await search(root, `${server.address}/web`, [
      ['is-official', ['true']],
      ['stars', ['3']],
    ])
    assert.deepEqual(
      official.map((result) => (result as { name: string }).name),
      ['web'],
    )
    await assert.rejects(search(root, 'web', [['nope', ['x']]]), { message: "invalid filter 'nope'" })
  })

  test('looks through the catalog where there is no search', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    server.script = (request, response) => {
      if (!request.url?.startsWith('/v2/_catalog')) return false
      if (!request.url.includes('last=')) response.setHeader('Link', '</v2/_catalog?n=2&last=x>; rel="next"')
      response.end(
        JSON.stringify({ repositories: request.url.includes('last=') ? ['team/web'] : ['api', 'webapp'] }),
      )
      return true
    }
    const found = await search(root, `${server.address}/web`)
    assert.deepEqual(
      found.map((result) => (result as { name: string }).name),
      ['webapp', 'team/web'],
    )
  })
})

test('importUrl() imports what a URL names', async () => {
  await using server = await RegistryServer.start()
  await using root = openImageRoot()
  server.script = (request, response) => {
    if (request.url === '/root.tar') response.end(tarOf([{ name: 'f', content: 'x' }]))
    else response.writeHead(404).end()
    return true
  }
  const importing = { reference: 'imported', message: '', changes: [], platform: null, ...options }
  const said: object[] = []
  const progress = (message: object): void => void said.push(message)
  await root.images.importUrl(`${server.address}/root.tar`, { ...importing, progress })
  const image = root.images.get('imported')
  assert.equal(image.config.comment, `Imported from ${server.address}/root.tar`)
  assert.deepEqual(said, [{ status: `Downloading from ${server.address}/root.tar` }, { status: image.id }])
  await assert.rejects(root.images.importUrl(`${server.origin}/nope`, { ...importing, progress }), {
    message: `failed to GET ${server.origin}/nope with status 404 Not Found`,
  })
  await assert.rejects(
    root.images.importUrl('file:///etc/passwd', { ...importing, progress }),
    /unsupported protocol/,
  )
})
