import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from './flags.ts'

function valuesOf(...argv: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(parseCommandLine(argv).values)
}

test('parseCommandLine() reads flags in every form of pflag', () => {
  const argv = ['-H', 'unix:///a', '-Hunix:///b', '--host=unix:///c', '-D', '--icc=false', '--mtu', '1400']
  assert.deepEqual(valuesOf(...argv), {
    hosts: ['unix:///a', 'unix:///b', 'unix:///c'],
    debug: true,
    icc: false,
    mtu: 1400,
  })
})

test('parseCommandLine() reads maps, runtimes, pools and ulimits', () => {
  const argv = [
    ...['--log-opt', 'max-size=1m', '--log-opt', 'max-file=3'],
    ...['--add-runtime', 'my=/bin/my', '--default-ulimit', 'nofile=10:20'],
    ...['--default-address-pool', 'base=10.1.0.0/16,size=24'],
  ]
  assert.deepEqual(valuesOf(...argv), {
    'log-opts': { 'max-size': '1m', 'max-file': '3' },
    runtimes: { my: { path: '/bin/my' } },
    'default-ulimits': { nofile: { Name: 'nofile', Soft: 10, Hard: 20 } },
    'default-address-pools': [{ base: '10.1.0.0/16', size: 24 }],
  })
})

test('parseCommandLine() reads features, on when they say no more', () => {
  assert.deepEqual(valuesOf('--feature', 'cdi', '--feature=time-namespaces=false', '--raw-logs'), {
    features: { cdi: true, 'time-namespaces': false },
    'raw-logs': true,
  })
})

test('parseCommandLine() takes graph for data-root', () => {
  assert.deepEqual(valuesOf('--graph', '/x'), { 'data-root': '/x' })
})

for (const [argv, message] of [
  [['--nonsense'], 'unknown flag: --nonsense'],
  [['-Z'], "unknown shorthand flag: 'Z' in -Z"],
  [['--data-root'], 'flag needs an argument: --data-root'],
  [['--debug=perhaps'], 'invalid argument "perhaps" for "--debug" flag'],
  [['--mtu', 'x'], 'invalid argument "x" for "--mtu" flag'],
  [['--default-address-pool', 'base=1'], 'invalid argument "base=1" for "--default-address-pool" flag'],
  [['run'], 'unknown command: run'],
] as const) {
  test(`parseCommandLine() refuses ${argv.join(' ')}`, () => {
    assert.throws(() => parseCommandLine(argv), { code: 'invalid_argument', message })
  })
}
