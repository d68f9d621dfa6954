import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

describe('the life of a container', () => {
  let wharfd: Wharfd
  before(async () => {
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd.stop()
  })

  const state = async (name: string): Promise<string> =>
    await wharfd.ok('inspect', '-f', '{{.State.Status}}', name)

  test('run gives output and exit code, and --rm leaves nothing', async () => {
    const result = await wharfd.docker(
      'run',
      '--rm',
      '--name',
      'gone',
      'busybox',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 7',
    )
    assert.deepEqual(result, { exitCode: 7, stdout: 'out\n', stderr: 'err\n' })
    assert.equal(await wharfd.ok('ps', '-aq', '--filter', 'name=gone'), '')
    // The name is free at once.
    assert.equal(await wharfd.ok('run', '--rm', '--name', 'gone', 'busybox', 'echo', 'again'), 'again')
  })

  test('run gives stdin to the container until its end', async () => {
    assert.equal(
      await wharfd.ok('run', '--rm', '-i', 'busybox', 'wc', '-c', { input: 'x'.repeat(100_000) }),
      '100000',
    )
  })

  test('create, start, stop, start, restart, remove pass through the states of Docker', async () => {
    await wharfd.ok('create', '--name', 'states', '--stop-signal', 'KILL', 'busybox', 'sleep', '1000')
    assert.equal(await state('states'), 'created')
    await wharfd.ok('start', 'states')
    assert.equal(await state('states'), 'running')
    await wharfd.ok('stop', 'states')
    assert.equal(
      await wharfd.ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'states'),
      'exited 137',
    )
    await wharfd.ok('start', 'states')
    const pid = await wharfd.ok('inspect', '-f', '{{.State.Pid}}', 'states')
    await wharfd.ok('restart', 'states')
    assert.notEqual(await wharfd.ok('inspect', '-f', '{{.State.Pid}}', 'states'), pid)
    await wharfd.ok('rm', '-f', 'states')
    assert.equal((await wharfd.api('GET', '/containers/states/json')).status, 404)
  })

  test('pause freezes and unpause lets go; what a frozen container cannot do is refused', async () => {
    await wharfd.ok('run', '-d', '--name', 'frozen', 'busybox', 'sleep', '1000')
    await wharfd.ok('pause', 'frozen')
    assert.equal(await state('frozen'), 'paused')
    const exec = await wharfd.docker('exec', 'frozen', 'true')
    assert.match(exec.stderr, /is paused, unpause the container before exec/)
    assert.match(
      (await wharfd.docker('start', 'frozen')).stderr,
      /cannot start a paused container, try unpause instead/,
    )
    await wharfd.ok('unpause', 'frozen')
    await wharfd.ok('exec', 'frozen', 'true')
    await wharfd.ok('rm', '-f', 'frozen')
  })

  test('errors are in the words of Docker', async () => {
    const id = await wharfd.ok('run', '-d', '--name', 'taken', 'busybox', 'sleep', '1000')
    const cases: readonly [string, string, number, RegExp][] = [
      ['GET', '/containers/nothere/json', 404, /^No such container: nothere$/],
      [
        'DELETE',
        '/containers/taken',
        409,
        /^cannot remove container "taken": container is running: stop the container before removing or force remove$/,
      ],
      ['POST', '/containers/taken/start', 304, /^$/],
      ['POST', '/containers/taken/unpause', 409, new RegExp(`^Container ${id} is not paused$`, 'i')],
      [
        'POST',
        '/containers/taken/kill?signal=NOPE',
        400,
        /^cannot kill container: taken: invalid signal: NOPE$/,
      ],
      ['POST', '/exec/nothere/start', 404, /No such exec instance: nothere/],
    ]
    for (const [method, path, status, words] of cases) {
      const answer = await wharfd.api(method, path, path.includes('/exec/') ? {} : undefined)
      assert.equal(answer.status, status, `${method} ${path}`)
      assert.match(answer.body.message ?? '', words)
    }
    const conflict = await wharfd.api('POST', '/containers/create?name=taken', { Image: 'busybox' })
    assert.equal(conflict.status, 409)
    assert.equal(
      conflict.body.message,
      `Conflict. The container name "/taken" is already in use by container "${id}". ` +
        'You have to remove (or rename) that container to be able to reuse that name.',
    )
    await wharfd.ok('rm', '-f', 'taken')
  })

  test('a program that is not there leaves a created container with exit code 127', async () => {
    const result = await wharfd.docker('run', '--name', 'nofile', 'busybox', '/no/such/file')
    assert.equal(result.exitCode, 127)
    assert.match(result.stderr, /no such file or directory/)
    assert.equal(
      await wharfd.ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'nofile'),
      'created 127',
    )
    await wharfd.ok('rm', 'nofile')
  })

  test('create refuses what cannot be, before anything is made', async () => {
    const host = (HostConfig: object): object => ({ Image: 'busybox', Cmd: ['true'], HostConfig })
    const cases: readonly [object, RegExp][] = [
      [host({ Memory: 1 }), /Minimum memory limit allowed is 6MB/],
      [host({ RestartPolicy: { Name: 'sometimes' } }), /invalid restart policy: unknown policy 'sometimes'/],
      [host({ Binds: ['/a:/b:nosuch'] }), /invalid mode: nosuch/],
      [host({ Binds: ['/a:/b', '/c:/b'] }), /Duplicate mount point: \/b/],
      [
        host({ Mounts: [{ Type: 'bind', Source: '/does/not/exist', Target: '/x' }] }),
        /bind source path does not exist: \/does\/not\/exist/,
      ],
      [host({ NetworkMode: 'host', Links: ['a:b'] }), /conflicting options/],
      [host({ CapAdd: ['NOSUCH'] }), /unknown capability: "CAP_NOSUCH"/],
      [
        host({ LogConfig: { Type: 'nosuch' } }),
        /error looking up logging plugin nosuch: plugin "nosuch" not found/,
      ],
      [host({ CpuCount: 2 }), /CpuCount/],
      [{ Image: 'busybox', Cmd: ['true'], WorkingDir: 'relative' }, /needs to be an absolute path/],
    ]
    const before = (await wharfd.call('GET', '/containers/json?all=1')).length
    for (const [body, words] of cases) {
      const answer = await wharfd.api('POST', '/containers/create', body)
      assert.equal(answer.status, 400, JSON.stringify(answer.body))
      assert.match(answer.body.message, words)
    }
    assert.equal((await wharfd.call('GET', '/containers/json?all=1')).length, before)
  })

  test('wait knows its conditions', async () => {
    await wharfd.ok(
      'create',
      '--name',
      'waited',
      'busybox',
      'sh',
      '-c',
      'until [ -f /go ]; do usleep 10000; done; exit 3',
    )
    assert.equal((await wharfd.call('POST', '/containers/waited/wait')).StatusCode, 0)
    const next = wharfd.call('POST', '/containers/waited/wait?condition=next-exit')
    const removed = wharfd.call('POST', '/containers/waited/wait?condition=removed')
    await wharfd.ok('start', 'waited')
    await wharfd.ok('exec', 'waited', 'touch', '/go')
    assert.equal((await next).StatusCode, 3)
    await wharfd.ok('rm', 'waited')
    assert.equal((await removed).StatusCode, 3)
  })

  test('events tell the life of a container with the attributes of Docker', async () => {
    const since = String(Math.floor(Date.now() / 1000) - 1)
    await wharfd.docker('run', '--rm', '--name', 'watched', '--label', 'k=v', 'busybox', 'sh', '-c', 'exit 4')
    const actions = async (): Promise<readonly { action: string; attributes: Record<string, string> }[]> => {
      const text = await wharfd.ok(
        'events',
        '--since',
        since,
        '--until',
        '0s',
        '--filter',
        'container=watched',
        '--format',
        '{{json .}}',
      )
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
        .map((event) => ({ action: event.Action, attributes: event.Actor.Attributes }))
    }
    await until('the container is destroyed', async () =>
      (await actions()).some(({ action }) => action === 'destroy'),
    )
    const seen = await actions()
    assert.deepEqual(
      seen.map(({ action }) => action),
      ['create', 'attach', 'start', 'die', 'destroy'],
    )
    const die = seen.find(({ action }) => action === 'die')
    const { execDuration, ...others } = die?.attributes ?? {}
    assert.match(execDuration ?? '', /^\d+$/)
    assert.deepEqual(others, { exitCode: '4', image: 'busybox', k: 'v', name: 'watched' })
  })

  test('rename frees the old name and keeps the new one', async () => {
    await wharfd.ok('create', '--name', 'oldname', 'busybox')
    await wharfd.ok('rename', 'oldname', 'newname')
    await wharfd.ok('create', '--name', 'oldname', 'busybox')
    assert.match((await wharfd.docker('rename', 'oldname', 'newname')).stderr, /already in use by container/)
    await wharfd.ok('rm', 'oldname', 'newname')
  })

  test('list filters by state, name, label, ancestor, exit code and order', async () => {
    await wharfd.ok('run', '-d', '--name', 'list1', '--label', 'team=red', 'busybox', 'sleep', '1000')
    await wharfd.ok('create', '--name', 'list2', '--label', 'team=blue', 'busybox')
    assert.equal((await wharfd.docker('run', '--name', 'list3', 'busybox', 'sh', '-c', 'exit 9')).exitCode, 9)
    const names = async (...filters: string[]): Promise<string> =>
      (
        await wharfd.ok(
          'ps',
          '-a',
          '--format',
          '{{.Names}}',
          ...filters.flatMap((text) => ['--filter', text]),
        )
      ).replaceAll('\n', ' ')
    assert.equal(await names('name=list'), 'list3 list2 list1')
    assert.equal(await names('status=created', 'name=list'), 'list2')
    assert.equal(await names('label=team=red'), 'list1')
    assert.equal(await names('exited=9'), 'list3')
    assert.equal(await names('since=list1', 'name=list'), 'list3 list2')
    assert.equal(await names('before=list2', 'name=list'), 'list1')
    assert.equal(await names('ancestor=busybox', 'name=list2'), 'list2')
    await wharfd.ok('rm', '-f', 'list1', 'list2', 'list3')
  })
})
