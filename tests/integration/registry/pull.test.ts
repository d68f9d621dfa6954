import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  DataLossError,
  InvalidArgumentError,
  NotFoundError,
  UnauthenticatedError,
  UnavailableError,
} from '#errors/errors.ts'
import {
  makeImage,
  makeIndex,
  OCI_INDEX_TYPE,
  RegistryServer,
  refuse,
  sha256,
  type ServedImage,
} from '../../support/registry-server.ts'
import { until } from '../../support/until.ts'
import { openImageRoot, pull } from '../images/open-image-root.ts'
import { tarOf } from '../layers/fixture.ts'

/** Incompressible, so that blobs are as long as they look. */
const noise = (bytes: number): Buffer => randomBytes(bytes)
const small = (mark: string): ServedImage => makeImage([tarOf([{ name: 'hello', content: mark }])], { mark })
const short = (digest: string): string => digest.slice('sha256:'.length, 'sha256:'.length + 12)

describe('pull', () => {
  test('pulls an image, says so in Docker’s words, and knows it afterwards', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const image = makeImage([tarOf([{ name: 'a', content: 'one' }]), tarOf([{ name: 'b', content: 'two' }])])
    server.add('team/app', 'v1', image)
    const name = `${server.address}/team/app:v1`
    const lines = await pull(root, name)
    const [first, second] = image.layers.map((layer) => short(layer.digest))
    assert.deepEqual(lines.slice(0, 3), [
      'v1 Pulling from team/app',
      `${first} Pulling fs layer`,
      `${second} Pulling fs layer`,
    ])
    for (const id of [first, second]) {
      const own = lines.filter((line) => line.startsWith(`${id} `)).map((line) => line.slice(13))
      assert.deepEqual(
        [...new Set(own)].filter((line) => line !== 'Extracting'),
        ['Pulling fs layer', 'Downloading', 'Verifying Checksum', 'Download complete', 'Pull complete'],
      )
    }
    assert.deepEqual(lines.slice(-2), [
      `Digest: ${image.manifestDigest}`,
      `Status: Downloaded newer image for ${name}`,
    ])
    const record = root.images.get(name)
    assert.equal(record.id, image.configDigest)
    assert.deepEqual(record.repoTags, [name])
    assert.deepEqual(record.repoDigests, [`${server.address}/team/app@${image.manifestDigest}`])
    assert.deepEqual(await pull(root, name), [
      'v1 Pulling from team/app',
      `Digest: ${image.manifestDigest}`,
      `Status: Image is up to date for ${name}`,
    ])
    assert.deepEqual(
      root.events.map(({ action, id }) => `${action} ${id}`),
      [`pull ${name}`, `pull ${name}`],
    )
  })

  test('shares layers that are here already', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const base = tarOf([{ name: 'base', content: 'base' }])
    const [one, two] = [makeImage([base]), makeImage([base, tarOf([{ name: 'top', content: 'top' }])])]
    server.add('one', 'latest', one)
    server.add('two', 'latest', two)
    await pull(root, `${server.address}/one`)
    const lines = await pull(root, `${server.address}/two`)
    assert.ok(lines.includes(`${short(one.layers[0]?.digest ?? '')} Already exists`))
    assert.equal(server.count(new RegExp(`GET .*/blobs/${one.layers[0]?.digest}`)), 1)
  })

  test('pulls by digest, and all tags', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const [one, two] = [small('one'), small('two')]
    server.add('app', 'one', one)
    server.add('app', 'two', two)
    const repository = `${server.address}/app`
    await pull(root, `${repository}@${one.manifestDigest}`)
    assert.deepEqual(root.images.get(`${repository}@${one.manifestDigest}`).repoTags, [])
    const lines = await pull(root, repository, { allTags: true })
    assert.equal(lines.at(-1), `Status: Downloaded newer image for ${repository}`)
    assert.equal(root.images.get(`${repository}:one`).id, one.configDigest)
    assert.equal(root.images.get(`${repository}:two`).id, two.configDigest)
  })

  test('chooses the platform of an index', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const [amd64, arm64] = [
      small('amd64'),
      makeImage([tarOf([{ name: 'arm' }])], { architecture: 'arm64', variant: 'v8' }),
    ]
    for (const image of [amd64, arm64]) server.add('app', image.manifestDigest, image)
    const index = makeIndex([
      { image: arm64, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      { image: amd64, platform: { os: 'linux', architecture: 'amd64' } },
    ])
    server.addManifest('app', 'latest', { content: index, mediaType: OCI_INDEX_TYPE })
    const name = `${server.address}/app`
    await pull(root, name, { platform: { os: 'linux', architecture: 'amd64' } })
    assert.equal(root.images.get(name).id, amd64.configDigest)
    assert.deepEqual(root.images.get(name).repoDigests, [`${name}@${sha256(index)}`])
    const { Manifests } = await root.images.inspect(name, { platform: null, manifests: true })
    assert.deepEqual(
      Manifests?.map((entry) => entry.Available),
      [false, true],
    )
    await pull(root, name, { platform: { os: 'linux', architecture: 'arm64' } })
    assert.equal(root.images.get(name).platform.architecture, 'arm64')
    await assert.rejects(pull(root, name, { platform: { os: 'linux', architecture: 's390x' } }), {
      constructor: NotFoundError,
      message: 'no matching manifest for linux/s390x in the manifest list entries',
    })
  })

  test('two pulls of one image download it once, and each says all', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const image = makeImage([tarOf([{ name: 'big', content: noise(2_000_000) }])])
    server.add('app', 'latest', image)
    const name = `${server.address}/app`
    const both = await Promise.all([pull(root, name), pull(root, name)])
    for (const lines of both)
      assert.ok(
        lines.some((line) => line.endsWith('Pull complete')),
        lines.join('\n'),
      )
    assert.equal(server.count(new RegExp(`GET .*/blobs/${image.layers[0]?.digest}`)), 1)
  })

  test('tries mirrors first and goes on without them', async () => {
    await using dead = await RegistryServer.start()
    await using mirror = await RegistryServer.start()
    await using server = await RegistryServer.start()
    const image = small('mirrored')
    mirror.add('app', 'latest', image)
    server.add('other', 'latest', small('other'))
    dead.script = (_request, response) => {
      response.writeHead(503).end()
      return true
    }
    await using root = openImageRoot({
      registry: { mirrors: new Map([[server.address, [dead.origin, mirror.origin]]]) },
    })
    await pull(root, `${server.address}/app`)
    assert.equal(server.requests.length, 0)
    await pull(root, `${server.address}/other`)
    assert.ok(server.requests.length > 0)
  })
})

describe('pull from a registry that fails', () => {
  test('goes on where a broken connection ended', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const image = makeImage([tarOf([{ name: 'big', content: noise(3_000_000) }])])
    const { digest, blob } = image.layers[0] as ServedImage['layers'][number]
    server.add('app', 'latest', image)
    let broken = 0
    const ranges: (string | undefined)[] = []
    server.script = (request, response) => {
      if (!request.url?.endsWith(digest)) return false
      ranges.push(request.headers.range)
      if (broken >= 2) return false
      broken += 1
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0)
      const headers = {
        'Content-Length': blob.length - start,
        ...(start > 0 ? { 'Content-Range': `bytes ${start}-${blob.length - 1}/${blob.length}` } : {}),
      }
      response.writeHead(start > 0 ? 206 : 200, headers)
      response.write(blob.subarray(start, start + 1_000_000), () => response.destroy())
      return true
    }
    await pull(root, `${server.address}/app`)
    assert.equal(ranges.length, 3)
    assert.equal(ranges[0], undefined)
    assert.match(ranges[2] ?? '', /^bytes=[1-9]\d+-$/)
  })

  test('resumes in a later pull what an aborted one left, also from a server without ranges', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const image = makeImage([tarOf([{ name: 'big', content: noise(3_000_000) }])])
    const { digest, blob } = image.layers[0] as ServedImage['layers'][number]
    server.add('app', 'latest', image)
    const abort = new AbortController()
    let ranges: (string | undefined)[] = []
    server.script = (request, response) => {
      if (!request.url?.endsWith(digest)) return false
      ranges.push(request.headers.range)
      response.writeHead(200, { 'Content-Length': blob.length })
      if (abort.signal.aborted) response.end(blob)
      else response.write(blob.subarray(0, 2_000_000))
      return true
    }
    const waiting = pull(root, `${server.address}/app`, {
      signal: abort.signal,
      progress(message) {
        const { current } = (message as { progressDetail?: { current?: number } }).progressDetail ?? {}
        if (current !== undefined) abort.abort(new Error('the client left'))
      },
    })
    await assert.rejects(waiting, /the client left/)
    assert.equal(ranges.length, 1)
    ranges = []
    await pull(root, `${server.address}/app`)
    assert.match(ranges[0] ?? '', /^bytes=[1-9]\d+-$/)
    assert.equal(root.images.get(`${server.address}/app`).id, image.configDigest)
  })

  test('keeps the layers that came before it broke off, until they are pruned', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const image = makeImage([
      tarOf([{ name: 'good', content: 'good' }]),
      tarOf([{ name: 'bad', content: 'bad' }]),
    ])
    server.add('app', 'latest', image)
    const [good, bad] = image.layers.map((layer) => layer.digest)
    let said: string[] = []
    const progress = (message: object): void =>
      void said.push(String((message as { status?: string }).status))
    const refuseTheBad = (): void => {
      said = []
      server.script = (request, response) => {
        if (!request.url?.endsWith(bad ?? '')) return false
        // The other layer first: else this failure takes its download along.
        void until('the good layer is here', () => said.includes('Pull complete')).then(() =>
          refuse(response, 404, 'BLOB_UNKNOWN'),
        )
        return true
      }
    }
    refuseTheBad()
    await assert.rejects(pull(root, `${server.address}/app`, { progress }), /blob unknown/)
    assert.deepEqual(await root.leftovers(), { layers: 1, blobs: 1, incoming: 0 })
    server.script = null
    const lines = await pull(root, `${server.address}/app`)
    assert.ok(lines.includes(`${short(good ?? '')} Already exists`), lines.join('\n'))
    await root.images.remove(`${server.address}/app`, { force: false, noPrune: false, platforms: [] })
    assert.deepEqual(await root.leftovers(), { layers: 0, blobs: 0, incoming: 0 })
    refuseTheBad()
    await assert.rejects(pull(root, `${server.address}/app`, { progress }), /blob unknown/)
    await root.images.prune(new Map())
    assert.deepEqual(await root.leftovers(), { layers: 0, blobs: 0, incoming: 0 })
  })

  test('resumes what a dead daemon left', async () => {
    await using server = await RegistryServer.start()
    const dead = openImageRoot()
    const image = makeImage([tarOf([{ name: 'big', content: noise(3_000_000) }])])
    const { digest, blob } = image.layers[0] as ServedImage['layers'][number]
    server.add('app', 'latest', image)
    const ranges: (string | undefined)[] = []
    server.script = (request, response) => {
      if (!request.url?.endsWith(digest)) return false
      ranges.push(request.headers.range)
      if (ranges.length > 1) return false
      response.writeHead(200, { 'Content-Length': blob.length })
      response.write(blob.subarray(0, 1_000_000))
      return true
    }
    const abort = new AbortController()
    const never = pull(dead, `${server.address}/app`, { signal: abort.signal })
    const partial = `${dead.root}/partial/${digest.slice('sha256:'.length)}`
    await until('a part is here', () => (statSync(partial, { throwIfNoEntry: false })?.size ?? 0) > 0)
    // The next daemon opens the same data root while nothing of the first one's work was cleaned up.
    await using root = openImageRoot({ root: dead.root })
    await pull(root, `${server.address}/app`)
    assert.match(ranges[1] ?? '', /^bytes=[1-9]\d+-$/)
    assert.equal(root.images.get(`${server.address}/app`).id, image.configDigest)
    abort.abort(new Error('over'))
    await assert.rejects(never, /over/)
    await dead[Symbol.asyncDispose]()
  })

  test('starts anew when what an earlier pull left is wrong', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const image = makeImage([tarOf([{ name: 'big', content: noise(1_000_000) }])])
    const { digest, blob } = image.layers[0] as ServedImage['layers'][number]
    server.add('app', 'latest', image)
    let tries = 0
    server.script = (request, response) => {
      if (!request.url?.endsWith(digest)) return false
      tries += 1
      if (tries > 1) return false
      response.writeHead(200, { 'Content-Length': blob.length })
      response.write(Buffer.alloc(500_000, 7), () => response.destroy())
      return true
    }
    await pull(root, `${server.address}/app`)
    assert.equal(tries, 3)
  })

  test('tries again after 5xx', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    server.add('app', 'latest', small('x'))
    const seen = new Map<string, number>()
    server.script = (request, response) => {
      const times = (seen.get(request.url ?? '') ?? 0) + 1
      seen.set(request.url ?? '', times)
      if (times > 1) return false
      response.writeHead(502).end('<html>bad gateway</html>')
      return true
    }
    await pull(root, `${server.address}/app`)
    assert.deepEqual(
      [...seen.values()],
      [1, 2, 2, 2],
      'the greeting may fail; manifest, configuration and layer come again',
    )
  })

  test('gives up when nothing else comes, and says what came', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    server.script = (_request, response) => {
      response.writeHead(500).end('oops')
      return true
    }
    await assert.rejects(pull(root, `${server.address}/app`), {
      constructor: UnavailableError,
      message: 'received unexpected HTTP status: 500 Internal Server Error',
    })
  })

  test('reports 429 at once', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    server.script = (_request, response) => {
      refuse(response, 429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.')
      return true
    }
    await assert.rejects(pull(root, `${server.address}/app`), {
      message: 'toomanyrequests: You have reached your pull rate limit.',
    })
    assert.equal(server.count(/manifests/), 1)
  })

  test('names what is not there in Docker’s words', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const name = `${server.address}/nothing`
    await assert.rejects(pull(root, `${name}:here`), {
      constructor: NotFoundError,
      message: `manifest for ${name}:here not found: manifest unknown: manifest unknown`,
    })
    server.script = (_request, response) => {
      refuse(response, 403, 'DENIED', 'requested access to the resource is denied')
      return true
    }
    await assert.rejects(pull(root, name), {
      constructor: NotFoundError,
      message: `pull access denied for ${name}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    })
  })

  test('says that nobody listens', async () => {
    await using root = openImageRoot()
    const server = await RegistryServer.start()
    const { address } = server
    await server[Symbol.asyncDispose]()
    await assert.rejects(pull(root, `${address}/app`), {
      message: `Get "http://${address}/v2/": dial tcp ${address}: connect: connection refused`,
    })
  })
})

describe('pull from a registry that lies', () => {
  const cases: readonly {
    readonly name: string
    readonly script: (image: ServedImage) => RegistryServer['script']
    readonly error: object | RegExp
  }[] = [
    {
      name: 'about a layer’s bytes',
      script: (image) => (request, response) => {
        if (!request.url?.endsWith(image.layers[0]?.digest ?? '')) return false
        const bytes = Buffer.from(image.layers[0]?.blob ?? '')
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
        response.end(bytes)
        return true
      },
      error: { constructor: DataLossError },
    },
    {
      name: 'with a body that never ends',
      script: (image) => (request, response) => {
        if (!request.url?.endsWith(image.layers[0]?.digest ?? '')) return false
        const more = (): void => {
          if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(more))
        }
        response.writeHead(200)
        more()
        return true
      },
      error: { constructor: DataLossError },
    },
    {
      name: 'about the configuration',
      script: (image) => (request, response) => {
        if (!request.url?.endsWith(image.configDigest)) return false
        response.end(Buffer.from(image.config).fill(32))
        return true
      },
      error: { constructor: DataLossError, message: /^image config verification failed for digest sha256:/ },
    },
    {
      name: 'with a manifest that is too large',
      script: () => (request, response) => {
        if (!request.url?.includes('/manifests/')) return false
        response.end(Buffer.alloc(5_000_000, 32))
        return true
      },
      error: { constructor: DataLossError },
    },
    {
      name: 'with a manifest that is none',
      script: () => (request, response) => {
        if (!request.url?.includes('/manifests/')) return false
        response.setHeader('Content-Type', 'application/vnd.oci.image.manifest.v1+json')
        response.end(JSON.stringify({ schemaVersion: 2, config: {}, layers: [] }))
        return true
      },
      error: { constructor: InvalidArgumentError },
    },
    {
      name: 'by redirecting in circles',
      script: () => (request, response) => {
        if (!request.url?.includes('/manifests/')) return false
        response.writeHead(307, { Location: request.url }).end()
        return true
      },
      error: { message: /stopped after 5 redirects$/ },
    },
    {
      name: 'by redirecting to a file',
      script: () => (request, response) => {
        if (!request.url?.includes('/manifests/')) return false
        response.writeHead(307, { Location: 'file:///etc/passwd' }).end()
        return true
      },
      error: { message: /no HTTP URL$/ },
    },
    {
      name: 'about the manifest of a digest',
      script: () => (request, response) => {
        if (!request.url?.includes('/manifests/sha256:')) return false
        response.end('{}')
        return true
      },
      error: { constructor: DataLossError, message: /^manifest verification failed for digest sha256:/ },
    },
  ]
  for (const { name, script, error } of cases) {
    test(name, async () => {
      await using server = await RegistryServer.start()
      await using root = openImageRoot()
      const image = small(name)
      server.add('app', image.manifestDigest, image)
      const index = makeIndex([{ image, platform: { os: 'linux', architecture: 'amd64' } }])
      server.addManifest('app', 'latest', { content: index, mediaType: OCI_INDEX_TYPE })
      server.script = script(image)
      const waiting = pull(root, `${server.address}/app`, {
        platform: { os: 'linux', architecture: 'amd64' },
      })
      await assert.rejects(waiting, error)
      assert.equal(root.images.count(), 0)
      assert.deepEqual(await root.leftovers(), { layers: 0, blobs: 0, incoming: 0 })
    })
  }

  test('with a layer that is no tar', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    server.add(
      'app',
      'latest',
      makeImage([Buffer.from('this is no tar, and long enough to be seen as none. '.repeat(40))]),
    )
    await assert.rejects(pull(root, `${server.address}/app`), InvalidArgumentError)
    assert.deepEqual(await root.leftovers(), { layers: 0, blobs: 0, incoming: 0 })
  })
})

describe('pull with credentials', () => {
  const auth = { username: 'ann', password: 'secret' }
  for (const scheme of ['basic', 'bearer'] as const) {
    test(`answers a ${scheme} challenge`, async () => {
      await using server = await RegistryServer.start({ users: { ann: 'secret' }, scheme })
      await using root = openImageRoot()
      server.add('app', 'latest', small('private'))
      const name = `${server.address}/app`
      await pull(root, name, { auth })
      assert.equal(root.images.get(name).repoTags[0], `${name}:latest`)
      assert.ok(server.count(/GET \/token/) <= 1, 'one token serves all requests')
      const refused =
        scheme === 'basic'
          ? /^Head ".*\/manifests\/other": no basic auth credentials$/
          : /^unauthorized: incorrect username or password$/
      await assert.rejects(pull(root, `${name}:other`), { message: refused })
    })

    test(`logs in by ${scheme}`, async () => {
      await using server = await RegistryServer.start({ users: { ann: 'secret' }, scheme })
      await using root = openImageRoot()
      const options = { signal: AbortSignal.timeout(60_000) }
      const serveraddress = server.address
      assert.equal((await root.registry.login({ ...auth, serveraddress }, options)).Status, 'Login Succeeded')
      const wrong = root.registry.login({ username: 'ann', password: 'wrong', serveraddress }, options)
      await assert.rejects(wrong, { constructor: UnauthenticatedError })
    })
  }
})

describe('credentials stay where they belong', () => {
  const auth = { username: 'ann', password: 'secret' }

  test('a storage back end that the registry redirects to sees none', async () => {
    await using storage = await RegistryServer.start()
    await using server = await RegistryServer.start({ users: { ann: 'secret' }, scheme: 'basic' })
    await using root = openImageRoot()
    const image = small('redirected')
    server.add('app', 'latest', image)
    const seen: (string | undefined)[] = []
    storage.script = (request, response) => {
      seen.push(request.headers.authorization)
      response.end(image.layers[0]?.blob)
      return true
    }
    server.script = (request, response) => {
      if (
        !request.url?.endsWith(image.layers[0]?.digest ?? '') ||
        request.headers.authorization === undefined
      )
        return false
      response.writeHead(307, { Location: `${storage.origin}/blob?signature=x` }).end()
      return true
    }
    await pull(root, `${server.address}/app`, { auth })
    assert.deepEqual(seen, [undefined])
  })

  test('a mirror sees none', async () => {
    await using mirror = await RegistryServer.start()
    await using server = await RegistryServer.start()
    const image = small('mirrored')
    mirror.add('app', 'latest', image)
    const seen = new Set<string | undefined>()
    mirror.script = (request, response) => {
      seen.add(request.headers.authorization)
      if (request.url !== '/v2/') return false
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="give me yours"' }).end()
      return true
    }
    await using root = openImageRoot({ registry: { mirrors: new Map([[server.address, [mirror.origin]]]) } })
    await pull(root, `${server.address}/app`, { auth })
    assert.deepEqual([...seen], [undefined])
  })

  test('an identity token is exchanged, a registry token sent as it is', async () => {
    await using server = await RegistryServer.start({ users: { ann: 'secret' }, scheme: 'bearer' })
    await using root = openImageRoot()
    server.add('app', 'latest', small('token'))
    const forms: string[] = []
    server.script = (request, response) => {
      if (request.method !== 'POST' || request.url !== '/token') return false
      request.on('data', (chunk: Buffer) => forms.push(chunk.toString('utf8')))
      request.on('end', () => response.end(JSON.stringify({ access_token: 'token-of-ann' })))
      return true
    }
    const name = `${server.address}/app`
    await pull(root, name, { auth: { identitytoken: 'long-lived' } })
    const form = new URLSearchParams(forms[0])
    assert.deepEqual([form.get('refresh_token'), form.get('grant_type')], ['long-lived', 'refresh_token'])
    assert.match(form.get('scope') ?? '', /^repository:app:pull$/)
    forms.length = 0
    await pull(root, name, { auth: { registrytoken: 'token-of-nobody' } })
    assert.deepEqual(forms, [])
  })
})
