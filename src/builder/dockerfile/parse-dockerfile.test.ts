import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandWord, expandWords } from './expand.ts'
import { parseDockerfile } from './parse-dockerfile.ts'

const strip = (text: string): unknown =>
  parseDockerfile(text).stages.map((stage) =>
    stage.instructions.map(({ text: _text, startLine: _start, endLine: _end, ...rest }) => rest),
  )

test('parseDockerfile() joins continued lines and drops comments between them', () => {
  const file = 'FROM busybox\nRUN echo a \\\n# why\n\n  && echo b\n'
  const run = parseDockerfile(file).stages[0]?.instructions[0]
  assert.equal(run?.text, 'RUN echo a   && echo b')
  assert.deepEqual([run?.startLine, run?.endLine], [2, 5])
})

test('parseDockerfile() reads here-documents with and without expansion', () => {
  const file = 'FROM a\nRUN <<EOF\necho $x\nEOF\nCOPY <<-"A" <<B /d/\n\tone\n\tA\ntwo\nB\nCMD ["x"]\n'
  const [run, copy, cmd] = parseDockerfile(file).stages[0]?.instructions ?? []
  assert.deepEqual(run?.kind === 'run' && run.heredocs, [
    { name: 'EOF', expand: true, chomp: false, content: 'echo $x\n' },
  ])
  assert.deepEqual(copy?.kind === 'copy' && copy.heredocs, [
    { name: 'A', expand: false, chomp: true, content: 'one\n' },
    { name: 'B', expand: true, chomp: false, content: 'two\n' },
  ])
  assert.equal(cmd?.kind, 'cmd')
})

test('parseDockerfile() honours the escape directive', () => {
  const [run] = parseDockerfile('# escape=`\nFROM a\nRUN dir c:\\ `\n  /s\n').stages[0]?.instructions ?? []
  assert.equal(run?.text, 'RUN dir c:\\   /s')
})

test('parseDockerfile() reads every instruction', () => {
  const file = `FROM a AS b
ENV a=1 b="2 3"
ENV old form here
ARG x y=2
EXPOSE 80 443/udp
VOLUME ["/a", "/b"]
HEALTHCHECK --interval=5s --retries=2 CMD curl x
HEALTHCHECK NONE
COPY --from=0 --chown=1:2 a b /c/
SHELL ["/bin/bash", "-c"]
ONBUILD RUN make
STOPSIGNAL TERM
`
  assert.deepEqual(strip(file), [
    [
      {
        kind: 'env',
        pairs: [
          { name: 'a', value: '1' },
          { name: 'b', value: '"2 3"' },
        ],
      },
      { kind: 'env', pairs: [{ name: 'old', value: 'form here' }] },
      {
        kind: 'arg',
        args: [
          { name: 'x', value: null },
          { name: 'y', value: '2' },
        ],
      },
      { kind: 'expose', values: ['80', '443/udp'] },
      { kind: 'volume', values: ['/a', '/b'] },
      {
        kind: 'healthcheck',
        test: { form: 'shell', text: 'curl x' },
        flags: new Map([
          ['interval', ['5s']],
          ['retries', ['2']],
        ]),
      },
      { kind: 'healthcheck', test: null, flags: new Map() },
      {
        kind: 'copy',
        sources: ['a', 'b'],
        destination: '/c/',
        heredocs: [],
        flags: new Map([
          ['from', ['0']],
          ['chown', ['1:2']],
        ]),
      },
      { kind: 'shell', argv: ['/bin/bash', '-c'] },
      { kind: 'onbuild', trigger: 'RUN make' },
      { kind: 'stopsignal', value: 'TERM' },
    ],
  ])
})

const wrong: readonly (readonly [string, RegExp])[] = [
  ['', /^file with no instructions$/],
  ['RUN x', /line 1: no build stage in current context/],
  ['FROM a\nWHATEVER x', /^dockerfile parse error on line 2: unknown instruction: WHATEVER$/],
  ['FROM a\nCOPPY x', /unknown instruction: COPPY \(did you mean COPY\?\)/],
  ['FROM a b', /FROM requires either one or three arguments/],
  ['FROM a AS 1x', /invalid name for build stage: "1x"/],
  ['FROM a\nCOPY x', /COPY requires at least two arguments, but only one was provided/],
  ['FROM a\nCOPY --frm=x a b', /unknown flag: --frm/],
  ['FROM a\nENV x', /ENV must have two arguments/],
  ['FROM a\nENV a=1 b', /Syntax error - can't find = in "b"/],
  ['FROM a\nONBUILD ONBUILD RUN x', /Chaining ONBUILD/],
  ['FROM a\nONBUILD FROM x', /FROM isn't allowed as an ONBUILD trigger/],
  ['FROM a\nHEALTHCHECK FOO', /Unknown type "FOO" in HEALTHCHECK/],
  ['FROM a\nRUN <<EOF\nx', /unterminated heredoc/],
  ['FROM a\nSHELL sh', /SHELL requires the arguments to be in JSON form/],
  ['# escape=x\nFROM a', /invalid ESCAPE 'x'/],
]
for (const [text, message] of wrong) {
  test(`parseDockerfile() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseDockerfile(text), { message })
  })
}

const values: Readonly<Record<string, string>> = {
  a: 'one',
  empty: '',
  path: '/usr/lib/x.tar.gz',
  list: 'a b',
}
const lookup = (name: string): string | null => values[name] ?? null
const expansions: readonly (readonly [string, string])[] = [
  ['$a-${a}', 'one-one'],
  ['\\$a', '$a'],
  ['\'$a\' "$a"', '$a one'],
  ['${none:-x$a}', 'xone'],
  ['${empty:-x}', 'x'],
  ['${empty-x}', ''],
  ['${a:+y}', 'y'],
  ['${none+y}', ''],
  ['${path#*/}', 'usr/lib/x.tar.gz'],
  ['${path##*/}', 'x.tar.gz'],
  ['${path%.*}', '/usr/lib/x.tar'],
  ['${path%%.*}', '/usr/lib/x'],
  ['${path/usr/opt}', '/opt/lib/x.tar.gz'],
  ['${path//\\//_}', '_usr_lib_x.tar.gz'],
  ['$', '$'],
]
for (const [word, expected] of expansions) {
  test(`expandWord() expands ${word}`, () => assert.equal(expandWord(word, lookup), expected))
}

test('expandWords() splits what variables bring, not what is quoted', () => {
  assert.deepEqual(expandWords('$list "$list" x', lookup), ['a', 'b', 'a b', 'x'])
})

for (const [word, message] of [
  ['${a', /missing '}'/],
  ['"x', /matching double-quote/],
  ['${none:?must be set}', /none: must be set/],
  ['${a!b}', /unsupported modifier/],
] as const) {
  test(`expandWord() refuses ${word}`, () => assert.throws(() => expandWord(word, lookup), { message }))
}
