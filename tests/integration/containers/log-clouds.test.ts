import assert from 'node:assert/strict'
import { createVerify, generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { signAws } from '#containers/logs/drivers/sign-aws.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** A service of a cloud on loopback; `answer` gives status and body. */
async function cloud(
  answer: (asked: Asked) => readonly [number, unknown],
): Promise<{ server: Server; host: string; asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        text: Buffer.concat(chunks).toString(),
      }
      asked.push(one)
      const [status, body] = answer(one)
      response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`, asked }
}

const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'session' }

/** Amazon CloudWatch Logs as far as the driver knows it: groups, streams, events; who signs wrongly is refused. */
class FakeCloudWatch {
  readonly groups = new Map<string, Map<string, { timestamp: number; message: string }[]>>()
  /** Names of errors to answer with before anything else. */
  readonly failures: string[] = []

  answer(asked: Asked): readonly [number, unknown] {
    if (!isSigned(asked)) return [400, { __type: 'InvalidSignatureException' }]
    const failure = this.failures.shift()
    if (failure !== undefined) return [400, { __type: `com.amazonaws.logs#${failure}`, message: '' }]
    const action = String(asked.headers['x-amz-target']).replace('Logs_20140328.', '')
    const { logGroupName, logStreamName, logEvents } = JSON.parse(asked.text)
    const group = this.groups.get(logGroupName)
    if (action === 'CreateLogGroup') {
      if (group !== undefined) return [400, { __type: 'ResourceAlreadyExistsException' }]
      this.groups.set(logGroupName, new Map())
      return [200, '']
    }
    if (group === undefined) return [400, { __type: 'ResourceNotFoundException' }]
    const stream = group.get(logStreamName)
    if (action === 'CreateLogStream') {
      if (stream !== undefined) return [400, { __type: 'ResourceAlreadyExistsException' }]
      group.set(logStreamName, [])
      return [200, '']
    }
    if (stream === undefined) return [400, { __type: 'ResourceNotFoundException' }]
    stream.push(...logEvents)
    return [200, { nextSequenceToken: '1' }]
  }

  messages(group: string, stream: string): readonly string[] {
    return (this.groups.get(group)?.get(stream) ?? []).map(({ message }) => message)
  }
}

function isSigned({ method, path, headers, text }: Asked): boolean {
  const signed = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? []
  const own = ['host', 'x-amz-date', 'x-amz-security-token']
  const kept = Object.fromEntries(
    signed.filter((name) => !own.includes(name)).map((name) => [name, String(headers[name])]),
  )
  const stamp = String(headers['x-amz-date'])
  const date = new Date(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  const request = {
    method,
    url: new URL(path, `http://${headers.host ?? ''}`),
    headers: kept,
    body: Buffer.from(text),
  }
  const again = signAws(request, { credentials, region: 'eu-north-7', service: 'logs', date })
  return again['authorization'] === headers.authorization
}

describe('log drivers of clouds', () => {
  let wharfd: Wharfd | null = null
  const daemon = (): Wharfd => wharfd!
  const amazon = new FakeCloudWatch()
  let amazonServer: Awaited<ReturnType<typeof cloud>>
  const aws = {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_REGION: 'eu-north-7',
  }

  before(async () => {
    amazonServer = await cloud((asked) => amazon.answer(asked))
    wharfd = await Wharfd.startWithBusybox({ env: aws })
  })
  after(async () => {
    await wharfd?.stop()
    amazonServer.server.close()
  })

  const run = async (
    name: string,
    driver: string,
    options: readonly string[],
    command: string,
  ): Promise<string> => {
    const flags = options.flatMap((option) => ['--log-opt', option])
    return await daemon().ok(
      ...['run', '-d', '--name', name, '--label', 'who=me', '--log-driver', driver, ...flags],
      ...['busybox', 'sh', '-c', command],
    )
  }
  const awsOptions = (...more: readonly string[]): readonly string[] => [
    `awslogs-endpoint=http://${amazonServer.host}`,
    'awslogs-group=g',
    ...more,
  ]

  test('awslogs makes group and stream, and sends signed events in order', async () => {
    const id = await run(
      'aws',
      'awslogs',
      awsOptions('awslogs-create-group=true'),
      'echo one; echo; echo two',
    )
    await until('the lines came', () => amazon.messages('g', id).length === 2)
    assert.deepEqual(amazon.messages('g', id), ['one', 'two'])
    assert.equal(await daemon().ok('wait', 'aws'), '0')
    assert.equal(await daemon().ok('logs', 'aws'), 'one\n\ntwo')
    await daemon().ok('rm', 'aws')
  })

  test('awslogs names the stream as told, and goes on after errors', async () => {
    amazon.failures.push('ThrottlingException', 'ServiceUnavailableException')
    await run('aws', 'awslogs', awsOptions('tag={{.Name}}-s'), 'seq 600')
    await until('the lines came', () => amazon.messages('g', 'aws-s').length === 600)
    assert.deepEqual(
      amazon.messages('g', 'aws-s'),
      Array.from({ length: 600 }, (_, n) => String(n + 1)),
    )
    await daemon().ok('rm', '-f', 'aws')
  })

  test('awslogs joins the lines of an event', async () => {
    await run(
      'aws',
      'awslogs',
      awsOptions(
        'awslogs-stream=m',
        'awslogs-multiline-pattern=^ERR',
        'awslogs-force-flush-interval-seconds=1',
      ),
      'echo ERR a; echo " at b"; sleep 0.3; echo " at c"; echo ERR d',
    )
    await until('both events came', () => amazon.messages('g', 'm').length >= 2)
    assert.deepEqual(amazon.messages('g', 'm'), ['ERR a\n at b\n at c', 'ERR d'])
    await daemon().ok('rm', '-f', 'aws')
    await run(
      'aws',
      'awslogs',
      awsOptions('awslogs-stream=d', 'awslogs-datetime-format=[%Y-%m-%d %H:%M:%S]'),
      'echo "[2026-01-02 03:04:05] a"; echo b; echo "[2026-01-02 03:04:06] c"; sleep 1000',
    )
    await until('the first event came', () => amazon.messages('g', 'd').length >= 1)
    assert.equal(amazon.messages('g', 'd')[0], '[2026-01-02 03:04:05] a\nb')
    await until('the open event was not kept', () => amazon.messages('g', 'd').length === 2)
    await daemon().ok('rm', '-f', 'aws')
  })

  test('awslogs cuts what is longer than an event may be', async () => {
    await run('aws', 'awslogs', awsOptions('awslogs-stream=l'), 'head -c 300000 /dev/zero | tr "\\0" x; echo')
    await until('all came', () => amazon.messages('g', 'l').join('').length >= 300_000)
    const messages = amazon.messages('g', 'l')
    assert.equal(messages.join(''), 'x'.repeat(300_000))
    assert.ok(messages.every((message) => message.length <= 262_118))
    await daemon().ok('rm', '-f', 'aws')
  })

  test('killed when the lines were sent, the daemon sends them again and loses none', async () => {
    await daemon().terminate()
    await daemon().restart({ env: { ...aws, WHARF_FAILPOINTS: 'containers.logs.sent=1*kill' } })
    await run('aws', 'awslogs', awsOptions('awslogs-stream=crash'), 'seq 5; sleep 1; seq 6 9')
    await daemon().ended()
    await daemon().restart({ env: aws })
    await until('the rest came', () => amazon.messages('g', 'crash').includes('9'))
    const unique = [...new Set(amazon.messages('g', 'crash'))]
    assert.deepEqual(unique, ['1', '2', '3', '4', '5', '6', '7', '8', '9'])
    await daemon().ok('rm', '-f', 'aws')
  })

  test('awslogs asks the machine who it is when nothing says so', async () => {
    const metadata = await cloud(({ method, path, headers }) => {
      if (method === 'PUT' && path === '/latest/api/token') return [200, 'TOKEN']
      if (headers['x-aws-ec2-metadata-token'] !== 'TOKEN') return [401, '']
      if (path === '/latest/meta-data/placement/region') return [200, 'eu-north-7']
      if (path === '/latest/meta-data/iam/security-credentials/') return [200, 'role']
      if (path === '/latest/meta-data/iam/security-credentials/role') {
        const {
          accessKeyId: AccessKeyId,
          secretAccessKey: SecretAccessKey,
          sessionToken: Token,
        } = credentials
        const Expiration = new Date(Date.now() + 3_600_000).toISOString()
        return [200, { AccessKeyId, SecretAccessKey, Token, Expiration }]
      }
      return [404, '']
    })
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${metadata.host}`, HOME: '/nowhere' }
    await daemon().terminate()
    await daemon().restart({ env })
    await run('aws', 'awslogs', awsOptions('awslogs-stream=meta'), 'echo told')
    await until('the line came', () => amazon.messages('g', 'meta').length === 1)
    await daemon().ok('rm', '-f', 'aws')
    metadata.server.close()
  })

  test('gcplogs gets a token for its key, and writes entries that may be sent twice', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const google = await cloud(({ path, text, headers }) => {
      if (path === '/token') {
        const [head = '', claim = '', signature = ''] = (
          new URLSearchParams(text).get('assertion') ?? ''
        ).split('.')
        const verify = createVerify('RSA-SHA256').update(`${head}.${claim}`)
        const { iss, scope } = JSON.parse(Buffer.from(claim, 'base64url').toString())
        const isGood =
          iss === 'me@p' &&
          scope.endsWith('logging.write') &&
          verify.verify(publicKey, signature, 'base64url')
        return isGood ? [200, { access_token: 'TOKEN', expires_in: 3600 }] : [401, '']
      }
      return headers.authorization === 'Bearer TOKEN' ? [200, {}] : [401, '']
    })
    const file = `${scratchDirectory('k')}/key.json`
    writeFileSync(
      file,
      JSON.stringify({
        client_email: 'me@p',
        project_id: 'own-project',
        private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
        token_uri: `http://${google.host}/token`,
      }),
    )
    await daemon().terminate()
    await daemon().restart({
      env: { GOOGLE_APPLICATION_CREDENTIALS: file, GCE_METADATA_HOST: '127.0.0.1:1' },
    })
    const options = [
      `gcp-endpoint=http://${google.host}`,
      'labels=who',
      'gcp-log-cmd=true',
      'gcp-meta-name=n',
    ]
    await run('gcp', 'gcplogs', options, 'echo told; echo err >&2')
    await until('the lines came', () => /told[^]*err/.test(google.asked.map(({ text }) => text).join('')))
    const bodies = google.asked
      .filter(({ path }) => path === '/v2/entries:write')
      .map(({ text }) => JSON.parse(text))
    const entries = bodies.flatMap((body) => body.entries)
    assert.equal(bodies[0].logName, 'projects/own-project/logs/gcplogs-docker-driver')
    assert.deepEqual(bodies[0].resource, { type: 'global', labels: { project_id: 'own-project' } })
    const { container, instance, message } = entries[0].jsonPayload
    assert.equal(message, 'told')
    assert.equal(container.name, 'gcp')
    assert.match(container.command, /^sh -c echo told/)
    assert.deepEqual(container.metadata, { who: 'me' })
    assert.equal(instance.name, 'n')
    assert.match(entries[0].timestamp, /^\d{4}-.*\.\d+Z$/)
    assert.match(entries[0].insertId, /^[0-9a-f]{24}-stdout-1$/)
    assert.equal(
      await daemon()
        .ok('logs', 'gcp')
        .then((text) => text.includes('told')),
      true,
    )
    await daemon().ok('rm', '-f', 'gcp')
    google.server.close()
  })

  test('gcplogs asks a machine of Google for all that it needs', async () => {
    const facts: Readonly<Record<string, unknown>> = {
      'project/project-id': 'machine-project',
      'instance/zone': 'projects/1/zones/north-b',
      'instance/name': 'vm',
      'instance/id': '42',
      'instance/service-accounts/default/token': { access_token: 'TOKEN', expires_in: 60 },
    }
    const google = await cloud(({ path, headers }) => {
      if (path === '/v2/entries:write') return [headers.authorization === 'Bearer TOKEN' ? 200 : 401, {}]
      const fact = facts[path.replace('/computeMetadata/v1/', '')]
      return fact === undefined || headers['metadata-flavor'] !== 'Google' ? [404, ''] : [200, fact]
    })
    await daemon().terminate()
    await daemon().restart({ env: { GCE_METADATA_HOST: google.host } })
    await run('gcp', 'gcplogs', [`gcp-endpoint=http://${google.host}`], 'echo told')
    const written = (): Asked | undefined => google.asked.find(({ path }) => path === '/v2/entries:write')
    await until('the line came', () => written() !== undefined)
    const { resource } = JSON.parse(written()?.text ?? '')
    assert.deepEqual(resource, {
      type: 'gce_instance',
      labels: { project_id: 'machine-project', instance_id: '42', zone: 'north-b' },
    })
    await daemon().ok('rm', '-f', 'gcp')
    google.server.close()
  })
})
