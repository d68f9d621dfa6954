import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Engine } from '../support/engine.ts'
import { assertSameText } from '../support/assert-same-text.ts'
import { make } from '../support/peers.ts'
import { ReferenceDockerd } from '../support/reference.ts'
import { Wharfd } from '../support/wharfd.ts'

const versions = ['1.24', '1.41', '1.44', '1.47', '1.51']
const paths = [
  ...[
    '/version',
    '/info',
    '/containers/json?all=1&size=1',
    '/containers/shape/json?size=1',
    '/containers/shape/top',
  ],
  ...[
    '/containers/shape/stats?stream=0',
    '/containers/shape/changes',
    '/images/json',
    '/images/busybox/json',
    '/images/busybox/history',
  ],
  ...['/networks', '/networks/shapenet', '/volumes', '/volumes/shapevol', '/system/df', '/exec/EXEC/json'],
]

/** Fields whose presence is a matter of the machine, the storage driver or the build, not of the API. */
const ownMatters = [
  /^\/info .*\.(DriverStatus|Runtimes|Plugins|SecurityOptions|Warnings|CDISpecDirs|Swarm|Containerd|FirewallBackend|RegistryConfig)\b/,
  /^\/info .*\.(DiscoveredDevices|NRI|ContainerdCommit|InitCommit|RuncCommit|DefaultAddressPools|GenericResources|ProductLicense)\b/,
  /^\/version .*\.(Components|BuildTime|GitCommit)\b/,
  /\.GraphDriver\b/,
  /\.stats\b|\.(blkio_stats|memory_stats|networks|preread|percpu_usage)\b/,
  /\.(BuilderSize|BuildCache)\b/,
]

/** Each field of an answer with the type of its value; elements of an array count as one. */
function shape(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value))
    return [`${path}: array`, ...value.flatMap((element) => shape(element, `${path}[]`))]
  if (value === null || typeof value !== 'object')
    return [`${path}: ${value === null ? 'null' : typeof value}`]
  return [
    `${path}: object`,
    ...Object.entries(value).flatMap(([key, field]) => shape(field, `${path}.${key}`)),
  ]
}

describe('answers of the API have the fields of dockerd', { skip: (await make('sid')).missing }, () => {
  let reference: ReferenceDockerd | null = null
  let ours: Wharfd | null = null
  const execs = new Map<Engine, string>()

  before(async () => {
    reference = await ReferenceDockerd.start()
    ours = await Wharfd.startWithBusybox()
    for (const engine of [reference!, ours]) {
      await engine.ok('network', 'create', '--subnet', '10.97.0.0/24', 'shapenet')
      const flags = [
        '--network',
        'shapenet',
        '-v',
        'shapevol:/v',
        '-p',
        '18099:80',
        '-l',
        'a=b',
        '--restart',
        'always',
      ]
      await engine.ok(
        'run',
        '-d',
        '--name',
        'shape',
        '--hostname',
        'shape',
        ...flags,
        'busybox',
        'sleep',
        '1000',
      )
      await engine.ok('exec', 'shape', 'touch', '/new')
      const { Id } = await engine.call('POST', '/containers/shape/exec', { Cmd: ['true'] })
      execs.set(engine, Id)
    }
  })
  after(async () => {
    await reference?.stop()
    await ours?.stop()
  })

  const shapeOf = async (engine: Engine, version: string, path: string): Promise<string> => {
    const answer = await engine.api('GET', `/v${version}${path.replace('EXEC', execs.get(engine)!)}`)
    const lines = shape(answer.body).map((line) =>
      line.replace(/\b[0-9a-f]{64}\b/g, 'ID').replace(/wt[0-9a-f]{8}/g, 'docker0'),
    )
    const fields = [...new Set(lines)].filter(
      (line) => !ownMatters.some((own) => own.test(`${path} ${line}`)),
    )
    return [`status ${answer.status}`, ...fields.sort()].join('\n')
  }

  for (const version of versions) {
    for (const path of paths) {
      test(`v${version}${path}`, async () => {
        assertSameText(await shapeOf(ours!, version, path), await shapeOf(reference!, version, path))
      })
    }
  }

  test('an answer names the version and the platform, as dockerd does', async () => {
    const [mine, theirs] = await Promise.all([ours!, reference!].map((engine) => engine.api('GET', '/_ping')))
    const interesting = [
      'api-version',
      'docker-experimental',
      'ostype',
      'cache-control',
      'pragma',
      'content-type',
      'builder-version',
    ]
    for (const name of interesting.filter((header) => !['api-version', 'builder-version'].includes(header))) {
      assert.equal(mine!.headers[name], theirs!.headers[name], name)
    }
    assert.equal(mine!.body, theirs!.body)
  })

  test('versions that are too old or too new are refused in the same words', async () => {
    for (const version of ['1.23', '1.99']) {
      const [mine, theirs] = await Promise.all(
        [ours!, reference!].map((engine) => engine.api('GET', `/v${version}/info`)),
      )
      assert.equal(mine!.status, theirs!.status)
      assert.equal(
        JSON.stringify(mine!.body).split(' ').slice(0, 4).join(' '),
        JSON.stringify(theirs!.body).split(' ').slice(0, 4).join(' '),
      )
    }
  })

  test('paths that are not there are refused with the same words', async () => {
    for (const path of [
      '/nothing',
      '/v1.41/nothing',
      '/containers/none/json',
      '/images/none/json',
      '/networks/nosuch',
      '/volumes/none',
      '/exec/none/json',
    ]) {
      const [mine, theirs] = await Promise.all([ours!, reference!].map((engine) => engine.api('GET', path)))
      assert.deepEqual([mine!.status, mine!.body], [theirs!.status, theirs!.body], path)
    }
  })
})
