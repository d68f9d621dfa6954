/** `wharf image explore`: what each layer does, for people and for programs. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { run } from '../../support/engine.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharf, wharfArgv, wharfEnv, wharfOk } from './wharf-cli.ts'

let daemon: Wharfd

before(async () => {
  daemon = await Wharfd.startWithBusybox()
  await daemon.ok(
    'run',
    '--name',
    'one',
    'busybox',
    'sh',
    '-c',
    'dd if=/dev/zero of=/big bs=1k count=300; mkdir /d',
  )
  await daemon.ok('commit', 'one', 'made:one')
  await daemon.ok('run', '--name', 'two', 'made:one', 'sh', '-c', 'rm /big; echo x > /d/new; chmod 700 /d')
  await daemon.ok('commit', 'two', 'made:two')
})
after(() => daemon.stop())

test('tells each layer and what is wasted', async () => {
  const lines = (await wharfOk(daemon, ['image', 'explore', 'made:two'])).split('\n')
  assert.match(
    lines[0] as string,
    /^made:two {2}[0-9a-f]{12} {2}\S+ in 3 layers, 307kB wasted \(\d+% efficient\)$/,
  )
  assert.match(lines[2] as string, /^LAYER +SIZE +ADDED +CHANGED +REMOVED +HIDES +CREATED BY$/)
  assert.match(lines[4] as string, /^2 +307kB +2 +0 +0 +0B +sh -c dd/)
  assert.match(lines[5] as string, /^3 +2B +1 +1 +1 +307kB +sh -c rm/)
  assert.match(lines.at(-1) as string, /^ +307kB {2}1× {2}\/big$/)
})

test('--json has the changes of each layer; --format prints layers', async () => {
  const all = JSON.parse(await wharfOk(daemon, ['image', 'explore', '--json', 'made:two'])) as {
    Wasted: number
    Layers: { DiffID: string; Changes: { Path: string; Change: string; Size: number }[] }[]
  }
  assert.equal(all.Wasted, 300 * 1024)
  assert.deepEqual(
    all.Layers[2]?.Changes.map(({ Path, Change }) => `${Change} ${Path}`),
    ['removed /big', 'changed /d', 'added /d/new'],
  )
  assert.ok(all.Layers[0]?.Changes.some(({ Path, Size }) => Path === '/bin/busybox' && Size > 100_000))
  const formatted = await wharfOk(daemon, [
    'image',
    'explore',
    '--format',
    '{{.Number}} {{.Removed}} {{.DiffID}}',
    'made:two',
  ])
  assert.deepEqual(
    formatted.split('\n'),
    all.Layers.map(({ DiffID }, at) => `${at + 1} ${at === 2 ? 1 : 0} ${DiffID}`),
  )
  const missing = await wharf(daemon, ['image', 'explore', 'nope'])
  assert.equal(missing.exitCode, 1)
  assert.match(missing.stderr, /No such image: nope/)
})

test('on a terminal, keys move about and q leaves it as it was', async () => {
  const explore = [...wharfArgv, 'image', 'explore', 'made:two'].join(' ')
  const command = `stty rows 20 cols 100; before=$(stty -g); ${explore}; test "$before" = "$(stty -g)" && echo restored`
  // What is typed too early waits in the terminal.
  const { stdout } = await run(['script', '-qec', command, '/dev/null'], {
    env: wharfEnv(daemon),
    input: '\tjwq',
  })
  const [, screens = '', after = ''] = /\x1b\[\?1049h([^]*)\x1b\[\?1049l([^]*)/.exec(stdout) ?? []
  assert.match(screens, /CHANGES of layer 3/)
  assert.match(screens, /- -0644 +307kB {3}big/)
  assert.match(screens, /307kB {2}1× {2}\/big/)
  assert.match(after, /restored/)
})
