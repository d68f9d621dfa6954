import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bool, filter, int, list, map, string, strings } from './flag.ts'
import { HelpWanted, parseFlags, UsageError } from './parse-flags.ts'

const flags = {
  all: bool('', { short: 'a' }),
  quiet: bool('', { short: 'q', initial: true }),
  name: string('', { short: 'n' }),
  count: int('', { short: 'c' }),
  env: list('', { short: 'e' }),
  opt: map(''),
  alias: strings(''),
  filter: filter('', { short: 'f' }),
}

const cases = [
  { argv: ['-a', 'x'], values: { all: true }, args: ['x'] },
  { argv: ['x', '--all', 'y'], values: { all: true }, args: ['x', 'y'] },
  { argv: ['--all=false', '--quiet=0'], values: { all: false, quiet: false }, args: [] },
  { argv: ['-anx'], values: { all: true, name: 'x' }, args: [] },
  { argv: ['-an=x'], values: { all: true, name: 'x' }, args: [] },
  { argv: ['-n', '-a'], values: { name: '-a', all: false }, args: [] },
  { argv: ['--name', 'a=b', '--name=c=d'], values: { name: 'c=d' }, args: [] },
  { argv: ['-c', '-5'], values: { count: -5 }, args: [] },
  { argv: ['-e', 'A=1', '-eB=2', '--env=C'], values: { env: ['A=1', 'B=2', 'C'] }, args: [] },
  { argv: ['--opt', 'a=b=c', '--opt', 'd'], values: { opt: { a: 'b=c', d: '' } }, args: [] },
  { argv: ['--alias', 'a,b', '--alias', 'c'], values: { alias: ['a', 'b', 'c'] }, args: [] },
  {
    argv: ['-f', 'Label=x', '-f', 'label=y'],
    values: { filter: new Map([['label', ['x', 'y']]]) },
    args: [],
  },
  { argv: ['-a', '--', '-n', 'x'], values: { all: true, name: '' }, args: ['-n', 'x'] },
  { argv: ['-', '-a'], values: { all: true }, args: ['-'] },
]

for (const { argv, values, args } of cases) {
  test(`parseFlags() of ${argv.join(' ')}`, () => {
    const parsed = parseFlags(flags, argv)
    for (const [name, value] of Object.entries(values)) assert.deepEqual(parsed.values[name], value)
    assert.deepEqual(parsed.args, args)
  })
}

test('--json is --format json where there is a format', () => {
  assert.equal(parseFlags({ format: string('') }, ['--json']).values['format'], 'json')
  assert.throws(() => parseFlags({ quiet: bool('') }, ['--json']), /unknown flag: --json/)
})

test('without interspersed flags the first argument ends them', () => {
  assert.deepEqual(parseFlags(flags, ['-a', 'busybox', 'ls', '-n'], { interspersed: false }).args, [
    'busybox',
    'ls',
    '-n',
  ])
})

const failures = [
  { argv: ['--foo'], message: 'unknown flag: --foo' },
  { argv: ['-aZb'], message: "unknown shorthand flag: 'Z' in -Zb" },
  { argv: ['--name'], message: 'flag needs an argument: --name' },
  { argv: ['-an'], message: "flag needs an argument: 'n' in -n" },
  {
    argv: ['--all=x'],
    message: 'invalid argument "x" for "-a, --all" flag: strconv.ParseBool: parsing "x": invalid syntax',
  },
  {
    argv: ['--count', 'x'],
    message: 'invalid argument "x" for "-c, --count" flag: strconv.ParseInt: parsing "x": invalid syntax',
  },
  {
    argv: ['-f', 'x'],
    message: 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)',
  },
]

for (const { argv, message } of failures) {
  test(`parseFlags() refuses ${argv.join(' ')}`, () => {
    assert.throws(
      () => parseFlags(flags, argv),
      (error) => error instanceof UsageError && error.message === message,
    )
  })
}

test('--help asks for help, and -h where no flag has that letter', () => {
  assert.throws(() => parseFlags(flags, ['--help']), HelpWanted)
  assert.throws(() => parseFlags(flags, ['-h']), HelpWanted)
})
