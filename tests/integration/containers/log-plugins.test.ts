import assert from 'node:assert/strict'
import { constants, existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { TestPlugin } from '../../support/plugin.ts'
import { scratchTag } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { PLUGIN_SOCKETS } from '../../support/volume-plugin.ts'
import { Wharfd } from '../../support/wharfd.ts'

interface Entry {
  readonly source: string
  readonly timeNs: bigint
  readonly line: string
  readonly partial: boolean
}

/** Reads frames of protocol buffers from pipes, as a log plugin does. */
class LogReader {
  readonly entries: Entry[] = []
  readonly #open = new Map<string, { readonly stop: () => void }>()

  async start(path: string): Promise<void> {
    const pipe = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    let rest = Buffer.alloc(0)
    let stopped = false
    const drain = async (): Promise<void> => {
      while (!stopped) {
        const buffer = Buffer.alloc(65_536)
        const { bytesRead } = await pipe.read(buffer, 0, buffer.length).catch(() => ({ bytesRead: 0 }))
        rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
        while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
          const end = 4 + rest.readUInt32BE()
          this.entries.push(parseEntry(rest.subarray(4, end)))
          rest = rest.subarray(end)
        }
        if (bytesRead === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await pipe.close()
    }
    void drain()
    this.#open.set(path, { stop: () => (stopped = true) })
  }

  stop(path: string): void {
    this.#open.get(path)?.stop()
    this.#open.delete(path)
  }

  stopAll(): void {
    for (const path of [...this.#open.keys()]) this.stop(path)
  }
}

function parseEntry(bytes: Buffer): Entry {
  const fields = new Map<number, Buffer | bigint>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const key = Number(varint())
    if ((key & 7) === 0) fields.set(key >> 3, varint())
    else {
      const length = Number(varint())
      fields.set(key >> 3, bytes.subarray(at, at + length))
      at += length
    }
  }
  return {
    source: String(fields.get(1)),
    timeNs: fields.get(2) as bigint,
    line: String(fields.get(3) ?? ''),
    partial: fields.get(4) === 1n,
  }
}

describe('log plugins', () => {
  const name = `logger-${scratchTag}`
  const reader = new LogReader()
  let plugin: TestPlugin | null = null
  let wharfd: Wharfd | null = null
  const daemon = (): Wharfd => wharfd!

  const startPlugin = (): Promise<TestPlugin> =>
    TestPlugin.start(PLUGIN_SOCKETS, {
      name,
      implements: ['LogDriver'],
      handle: async ({ method, body }) => {
        if (method === 'LogDriver.Capabilities') return { Cap: { ReadLogs: false } }
        if (method === 'LogDriver.StartLogging') {
          if (body['Info'].Config.refuse === 'yes') return { Err: 'not today' }
          await reader.start(body['File'])
        }
        if (method === 'LogDriver.StopLogging') reader.stop(body['File'])
        return {}
      },
    })

  before(async () => {
    plugin = await startPlugin()
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd?.stop()
    await plugin?.stop()
    reader.stopAll()
  })

  const run = (...args: readonly string[]): Promise<string> =>
    daemon().ok('run', '-d', '--name', 'told', '--log-driver', name, ...args)

  test('are told of the container, and get its lines', async () => {
    await run(
      '--log-opt',
      'x=y',
      '-e',
      'A=b',
      '--label',
      'l=m',
      'busybox',
      'sh',
      '-c',
      'echo one; echo two >&2',
    )
    await until('both lines came', () => reader.entries.length === 2, { timeoutMs: 20_000 })
    const found = (source: string): Entry => reader.entries.find((entry) => entry.source === source)!
    assert.equal(found('stdout').line, 'one')
    assert.equal(found('stderr').line, 'two')
    assert.ok(Math.abs(Number(found('stdout').timeNs / 1_000_000n) - Date.now()) < 60_000)
    const { Info } = plugin!.calls.find(({ method }) => method === 'LogDriver.StartLogging')!.body
    assert.deepEqual(
      [
        Info.Config,
        Info.ContainerName,
        Info.ContainerLabels,
        Info.ContainerImageName,
        Info.ContainerEntrypoint,
      ],
      [{ x: 'y' }, '/told', { l: 'm' }, 'busybox', 'sh'],
    )
    assert.ok(Info.ContainerEnv.includes('A=b'))
    assert.equal(await daemon().ok('wait', 'told'), '0')
    await until('it was told of the end', () => plugin!.methods.includes('LogDriver.StopLogging'))
    const { stdout, stderr } = await daemon().docker('logs', 'told')
    assert.deepEqual([stdout, stderr], ['one\n', 'two\n'])
    const { File } = plugin!.calls.find(({ method }) => method === 'LogDriver.StartLogging')!.body
    await until('no pipe is left', () => !existsSync(File))
    await daemon().ok('rm', 'told')
  })

  test('that end get the rest when they are back, also after the death of the daemon', async () => {
    reader.entries.length = 0
    await run('busybox', 'sh', '-c', 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo $i; sleep 0.1; done')
    await until('it began', () => reader.entries.length > 2)
    await plugin!.stop()
    reader.stopAll()
    await daemon().kill()
    await daemon().restart()
    assert.equal(await daemon().ok('wait', 'told'), '0')
    plugin = await startPlugin()
    await until('the last came', () => reader.entries.at(-1)?.line === '60')
    assert.deepEqual(
      [...new Set(reader.entries.map(({ line }) => Number(line)))],
      Array.from({ length: 60 }, (_, n) => n + 1),
    )
    await daemon().ok('rm', '-f', 'told')
  })

  test('that refuse hold up nobody', async () => {
    await run('--log-opt', 'refuse=yes', 'busybox', 'echo', 'kept')
    assert.equal(await daemon().ok('wait', 'told'), '0')
    assert.equal(await daemon().ok('logs', 'told'), 'kept')
    assert.equal(await daemon().ok('rm', '-f', 'told'), 'told')
    assert.ok(existsSync(PLUGIN_SOCKETS))
  })

  test('of another kind are no log drivers', async () => {
    const other = await TestPlugin.start(PLUGIN_SOCKETS, {
      name: `other-${scratchTag}`,
      implements: ['VolumeDriver'],
      handle: () => ({}),
    })
    const { stderr } = await daemon().docker('create', '--log-driver', `other-${scratchTag}`, 'busybox')
    assert.match(
      stderr,
      /error looking up logging plugin other-.*: legacy plugin: Plugin does not implement the requested driver/,
    )
    await other.stop()
  })
})
