import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { CliResult } from '../../support/engine.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'

let daemon: Wharfd
before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(() => daemon.stop())

/** Makes a build context of files: text, or a link (`->target`). */
function contextOf(files: Readonly<Record<string, string>>): string {
  const directory = scratchDirectory('context')
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    if (text.startsWith('->')) symlinkSync(text.slice(2), path)
    else writeFileSync(path, text)
    if (text.startsWith('#!')) chmodSync(path, 0o755)
  }
  return directory
}

function build(files: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CliResult> {
  return daemon.docker('build', ...args, contextOf(files), { env: { DOCKER_BUILDKIT: '0' } })
}

/** Builds an image that must succeed, and says what it prints when it is run. */
async function output(files: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string> {
  const built = await build(files, '-q', ...args)
  assert.equal(built.exitCode, 0, built.stdout + built.stderr)
  return await daemon.ok('run', '--rm', built.stdout.trim())
}

type Case<Expected> = readonly [
  title: string,
  files: Readonly<Record<string, string>>,
  expected: Expected,
  args?: readonly string[],
]

const cases: readonly Case<string>[] = [
  [
    'RUN changes the image',
    { Dockerfile: 'FROM busybox\nRUN echo hi > /f && mkdir /d\nCMD cat /f && ls -d /d' },
    'hi\n/d',
  ],
  [
    'COPY takes files and directories',
    { Dockerfile: 'FROM busybox\nCOPY a src /x/\nCMD cd /x && find . | sort', a: '1', 'src/b/c': '2' },
    '.\n./a\n./b\n./b/c',
  ],
  [
    'COPY keeps modes and links',
    {
      Dockerfile: 'FROM busybox\nCOPY . /x/\nCMD /x/run && readlink /x/l && cat /x/l',
      run: '#!/bin/sh\necho ran\n',
      l: '->t',
      t: 'text',
    },
    'ran\nt\ntext',
  ],
  [
    'COPY follows links of the image',
    {
      Dockerfile: 'FROM busybox\nRUN mkdir /real && ln -s real /link\nCOPY a /link/\nCMD cat /real/a',
      a: 'here',
    },
    'here',
  ],
  [
    'COPY --chown and --chmod',
    {
      Dockerfile:
        'FROM busybox\nRUN echo me:x:7:8::/:/bin/sh >> /etc/passwd && echo us:x:9: >> /etc/group\nCOPY --chown=me:us --chmod=640 a /a\nCMD stat -c "%u %g %a" /a',
      a: '',
    },
    '7 9 640',
  ],
  [
    'COPY of a wildcard',
    { Dockerfile: 'FROM busybox\nCOPY *.txt /x/\nCMD ls /x', 'a.txt': '', 'b.txt': '', 'c.md': '' },
    'a.txt\nb.txt',
  ],
  [
    'COPY of a here-document',
    { Dockerfile: 'FROM busybox\nARG who=you\nCOPY <<EOF /x\nhello "$who"\nEOF\nCMD cat /x' },
    'hello "you"',
  ],
  [
    'RUN of a here-document',
    { Dockerfile: 'FROM busybox\nRUN <<EOF\nset -e\nx=1\necho $x > /y\nEOF\nCMD cat /y' },
    '1',
  ],
  [
    'stages give files to each other',
    {
      Dockerfile:
        'FROM busybox AS one\nRUN echo 1 > /o\nFROM busybox\nCOPY --from=one /o /p\nCOPY --from=0 /o /q\nCMD cat /p /q',
    },
    '1\n1',
  ],
  [
    'a stage can begin where another ends',
    { Dockerfile: 'FROM busybox AS one\nENV a=b\nRUN echo 1 > /o\nFROM one\nCMD echo $a; cat /o' },
    'b\n1',
  ],
  [
    'ENV and ARG',
    {
      Dockerfile:
        'ARG tag=latest\nFROM busybox:${tag}\nARG x=1\nENV y=${x:-2}z\nRUN echo $x $y > /f\nCMD cat /f; echo "[$x] [$y]"',
    },
    '9 9z\n[] [9z]',
    ['--build-arg', 'x=9'],
  ],
  [
    'ADD unpacks an archive and COPY does not',
    {
      Dockerfile:
        'FROM busybox\nRUN mkdir /t && echo in > /t/f && tar -czf /a.tgz -C /t f\nFROM busybox\nCOPY --from=0 /a.tgz /x/\nCMD ls /x',
    },
    'a.tgz',
  ],
  [
    'WORKDIR is made and used',
    { Dockerfile: 'FROM busybox\nWORKDIR /a\nWORKDIR b\nRUN touch here\nCMD pwd; ls' },
    '/a/b\nhere',
  ],
  [
    'steps that change nothing are layers all the same',
    { Dockerfile: 'FROM busybox\nRUN true\nRUN :\nRUN exit 0\nCMD echo still here' },
    'still here',
  ],
  [
    'where something was mounted leaves no trace',
    {
      Dockerfile:
        'FROM busybox AS b\nRUN --mount=type=cache,target=/a/b/c --mount=type=tmpfs,target=/t --mount=target=/m touch /a/kept\nCMD ls -d /a/* /t /m 2>/dev/null || true',
    },
    '/a/kept',
  ],
  [
    'a bind mount that may be written keeps nothing',
    {
      Dockerfile:
        'FROM busybox\nRUN --mount=target=/m,rw echo b > /m/f && cp /m/f /b && rm /m/g\nRUN --mount=target=/m cat /m/f /m/g > /a\nCMD cat /a /b',
      f: 'a',
      g: 'g',
    },
    'agb',
  ],
  [
    'a cache mount begins as a copy of a stage',
    {
      Dockerfile:
        'FROM busybox AS seed\nRUN mkdir /d && echo sown > /d/f\nFROM busybox\nRUN --mount=type=cache,id=seeded,from=seed,source=/d,target=/c,uid=3 cat /c/f > /f; stat -c %u /c >> /f\nCMD cat /f',
    },
    'sown\n3',
  ],
  [
    'COPY of a whole stage takes its files and no mount points',
    {
      Dockerfile:
        'FROM busybox AS b\nFROM scratch AS s\nCOPY f /x/f\nFROM busybox\nCOPY --from=s / /all/\nCMD find /all',
      f: '',
    },
    '/all\n/all/x\n/all/x/f',
  ],
  ['USER is who runs', { Dockerfile: 'FROM busybox\nUSER 5:6\nCMD id -u; id -g' }, '5\n6'],
  ['ENTRYPOINT takes CMD', { Dockerfile: 'FROM busybox\nENTRYPOINT ["echo", "a"]\nCMD ["b"]' }, 'a b'],
  [
    'SHELL is used by RUN',
    { Dockerfile: 'FROM busybox\nSHELL ["/bin/sh", "-ec"]\nRUN echo $- > /f\nCMD grep -c e /f' },
    '1',
  ],
  [
    'a tmpfs and a cache mount',
    {
      Dockerfile:
        'FROM busybox\nRUN --mount=type=tmpfs,target=/t --mount=type=cache,target=/c touch /t/x /c/y\nCMD ls /t /c | grep -c "[xy]" || true',
    },
    '0',
  ],
  [
    'a bind mount of a stage',
    {
      Dockerfile:
        'FROM busybox AS s\nRUN echo deep > /d\nFROM busybox\nRUN --mount=from=s,target=/m cat /m/d > /e\nCMD cat /e',
    },
    'deep',
  ],
  [
    '--target stops at a stage',
    { Dockerfile: 'FROM busybox AS a\nCMD echo a\nFROM busybox AS b\nRUN exit 1\n' },
    'a',
    ['--target', 'a'],
  ],
  [
    'FROM scratch',
    {
      Dockerfile:
        'FROM busybox AS b\nFROM scratch\nCOPY --from=b /bin/busybox /bin/busybox\nENTRYPOINT ["/bin/busybox", "echo"]\nCMD ["bare"]',
    },
    'bare',
  ],
  [
    'files are deleted',
    { Dockerfile: 'FROM busybox\nRUN touch /a /b\nRUN rm /a\nCMD ls /a /b 2>/dev/null || true' },
    '/b',
  ],
]
for (const [title, files, expected, args = []] of cases) {
  test(title, async () => assert.equal(await output(files, ...args), expected))
}

test('a second build comes from the cache and is the same image', async () => {
  const files = { Dockerfile: 'FROM busybox\nRUN date +%N > /f\nCOPY a /a\nENV x=1', a: 'same' }
  const first = await build(files, '-q')
  const second = await build(files)
  assert.equal(
    first.stdout.trim().slice('sha256:'.length, 'sha256:'.length + 12),
    /Successfully built (\w+)/.exec(second.stdout)?.[1],
  )
  assert.equal(second.stdout.match(/ ---> Using cache/g)?.length, 3, second.stdout)
  const changed = await build({ ...files, a: 'other' })
  assert.equal(changed.stdout.match(/ ---> Using cache/g)?.length, 1, changed.stdout)
  const fresh = await build(files, '-q', '--no-cache')
  assert.notEqual(fresh.stdout, first.stdout)
})

test('the output is that of the classic builder', async () => {
  const { stdout } = await build(
    { Dockerfile: 'FROM busybox\nRUN echo out; echo err >&2\nCMD true' },
    '--no-cache',
    '-t',
    'told',
  )
  const told = stdout
    .replace(/\b[0-9a-f]{12}\b/g, 'ID')
    .replace(/^Sending build context[^\n]*\n/, '')
    .replace(/out\n|\x1b\[91merr\n\x1b\[0m/g, '')
  assert.deepEqual(told.split('\n'), [
    'Step 1/3 : FROM busybox',
    ' ---> ID',
    'Step 2/3 : RUN echo out; echo err >&2',
    ' ---> Running in ID',
    ' ---> Removed intermediate container ID',
    ' ---> ID',
    'Step 3/3 : CMD true',
    ' ---> ID',
    'Successfully built ID',
    'Successfully tagged told:latest',
    '',
  ])
})

const wrong: readonly Case<RegExp>[] = [
  [
    'a command that fails',
    { Dockerfile: 'FROM busybox\nRUN exit 7' },
    /The command '\/bin\/sh -c exit 7' returned a non-zero code: 7/,
  ],
  [
    'an unknown instruction',
    { Dockerfile: 'FROM busybox\nWHATEVER' },
    /dockerfile parse error on line 2: unknown instruction: WHATEVER/,
  ],
  [
    'a file that is not there',
    { Dockerfile: 'FROM busybox\nCOPY nothing /' },
    /COPY failed: file not found in build context or excluded by .dockerignore: stat nothing: file does not exist/,
  ],
  [
    'a path that leads out',
    { Dockerfile: 'FROM busybox\nCOPY l/passwd /', l: '->/etc' },
    /COPY failed: file not found in build context/,
  ],
  [
    'a stage that is not there',
    { Dockerfile: 'FROM busybox' },
    /target stage "x" could not be found/,
    ['--target', 'x'],
  ],
  ['an empty Dockerfile', { Dockerfile: '' }, /the Dockerfile \(Dockerfile\) cannot be empty/],
  [
    'a bad substitution',
    { Dockerfile: 'FROM busybox\nENV a=${b' },
    /failed to process "\$\{b": syntax error: missing '\}'/,
  ],
]
for (const [title, files, message, args = []] of wrong) {
  test(`${title} is an error`, async () => {
    const { exitCode, stderr } = await build(files, ...args)
    assert.notEqual(exitCode, 0)
    assert.match(stderr, message)
  })
}

test('a failed build leaves no container', async () => {
  await build({ Dockerfile: 'FROM busybox\nRUN exit 7' })
  assert.equal(await daemon.ok('ps', '-aq'), '')
})

test('builder prune empties the cache, and images stay whole', async () => {
  const files = { Dockerfile: 'FROM busybox\nRUN echo kept > /kept\nCMD cat /kept' }
  const { stdout } = await build(files, '-q')
  await daemon.ok('builder', 'prune', '-af')
  assert.equal(await daemon.ok('run', '--rm', stdout.trim()), 'kept')
  const again = await build(files)
  assert.doesNotMatch(again.stdout, /Using cache\n[^]*Using cache/)
})

test('wharf build --check tells what is doubtful and builds nothing', async () => {
  const directory = contextOf({ Dockerfile: 'FROM busybox\nRUN exit 1\nCMD x' })
  const wharf = { cli: fileURLToPath(new URL('../../../bin/wharf', import.meta.url)) }
  const told = await daemon.ok('build', '--check', directory, wharf)
  assert.match(told, /^Check complete, 1 warning has been found!\n\nWARNING: JSONArgsRecommended\n/)
  writeFileSync(`${directory}/Dockerfile`, '# check=error=true\nFROM busybox\nCMD x')
  const { exitCode, stderr } = await daemon.docker('build', '--check', directory, wharf)
  assert.equal(exitCode, 1)
  assert.match(stderr, /lint violation found/)
})
