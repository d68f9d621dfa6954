import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import Docker from 'dockerode'
import { until } from '../support/until.ts'
import { onBoth } from './both.ts'

await onBoth('dockerode', (engine) => {
  const client = (): Docker => new Docker({ socketPath: engine().socketPath })

  test('create, attach, start, wait, logs, remove', async () => {
    const docker = client()
    const container = await docker.createContainer({
      Image: 'busybox',
      Cmd: ['sh', '-c', 'echo out; echo err >&2; exit 3'],
    })
    const stream = await container.attach({ stream: true, stdout: true, stderr: true })
    const [out, err] = [new PassThrough(), new PassThrough()]
    docker.modem.demuxStream(stream, out, err)
    stream.once('end', () => {
      out.end()
      err.end()
    })
    await container.start()
    assert.deepEqual(await Promise.all([text(out), text(err)]), ['out\n', 'err\n'])
    assert.deepEqual((await container.wait()).StatusCode, 3)
    const logs = await container.logs({ stdout: true, stderr: false })
    assert.equal(logs.subarray(8).toString(), 'out\n')
    await container.remove()
    await assert.rejects(container.inspect(), { statusCode: 404 })
  })

  test('input by attach with hijack', async () => {
    const container = await client().createContainer({
      Image: 'busybox',
      Cmd: ['cat'],
      OpenStdin: true,
      StdinOnce: true,
      Tty: false,
    })
    const stream = await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    })
    const out = new PassThrough()
    client().modem.demuxStream(stream, out, out)
    stream.once('end', () => out.end())
    await container.start()
    stream.write('through the pipe\n')
    stream.end()
    assert.equal(await text(out), 'through the pipe\n')
    await container.remove({ force: true })
  })

  test('exec with input, and its exit code', async () => {
    const container = await client().createContainer({ Image: 'busybox', Cmd: ['sleep', '1000'] })
    await container.start()
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'read x; echo got $x; exit 4'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    })
    const stream = await exec.start({ hijack: true, stdin: true })
    const out = new PassThrough()
    client().modem.demuxStream(stream, out, out)
    stream.once('end', () => out.end())
    stream.write('word\n')
    assert.equal(await text(out), 'got word\n')
    const ended = await until('the exec has ended', async () => {
      const state = await exec.inspect()
      return state.Running ? null : state
    })
    assert.equal(ended.ExitCode, 4)
    await container.remove({ force: true })
  })

  test('events, networks, volumes, images', async () => {
    const docker = client()
    const name = `ode${process.pid}`
    const events = await docker.getEvents({ filters: { type: ['volume'] } })
    const first = new Promise<string>((resolve) =>
      events.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    )
    await docker.createVolume({ Name: name })
    assert.equal(JSON.parse(await first).Action, 'create')
    ;(events as unknown as { destroy(): void }).destroy()
    await docker.getVolume(name).remove()
    const network = await docker.createNetwork({ Name: name })
    assert.equal((await network.inspect()).Name, name)
    await network.remove()
    assert.equal((await docker.getImage('busybox').inspect()).RepoTags[0], 'busybox:latest')
    assert.equal((await docker.ping()).toString(), 'OK')
  })

  test('an archive in and out', async () => {
    const container = await client().createContainer({ Image: 'busybox' })
    const stream = await container.getArchive({ path: '/etc/passwd' })
    const bytes = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>))
    assert.equal(bytes.subarray(0, 6).toString(), 'passwd')
    await container.putArchive(bytes, { path: '/tmp' })
    await container.remove()
  })
})
