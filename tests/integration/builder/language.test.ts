import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { after, before, test } from 'node:test'
import { Wharfd } from '../../support/wharfd.ts'
import { tarOf } from '../layers/fixture.ts'
import { builtImage, type Files, wharfBuild } from './wharf-build.ts'

let daemon: Wharfd
let web: Server
let address = ''
const archive = gzipSync(tarOf([{ name: 'in/archive', content: 'unpacked' }]))
const sum = (bytes: Buffer | string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

before(async () => {
  daemon = await Wharfd.startWithBusybox()
  web = createServer((request, response) => {
    if (request.url === '/a.tar.gz') response.end(archive)
    else if (request.url === '/f') response.end('downloaded')
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
})
after(async () => {
  web.close()
  await daemon.stop()
})

type Case = readonly [
  title: string,
  dockerfile: string,
  expected: string,
  files?: Files,
  args?: readonly string[],
]

/** Each Dockerfile ends on busybox; `show` commands are its CMD. */
const cases: readonly Case[] = [
  [
    '--parents keeps the path',
    'FROM busybox\nCOPY --parents x/a/*.txt y/b /p/\nCMD find /p | sort',
    '/p\n/p/x\n/p/x/a\n/p/x/a/1.txt\n/p/y\n/p/y/b',
    { 'x/a/1.txt': '', 'y/b': '' },
  ],
  [
    '--parents begins at the pivot',
    'FROM busybox\nCOPY --parents ./x/./a/1.txt /p/\nCMD find /p | sort',
    '/p\n/p/a\n/p/a/1.txt',
    { 'x/a/1.txt': '' },
  ],
  [
    '--parents with **',
    'FROM busybox\nCOPY --parents **/*.txt /p/\nCMD find /p -type f | sort',
    '/p/0.txt\n/p/x/1.txt\n/p/x/y/2.txt',
    { '0.txt': '', 'x/1.txt': '', 'x/y/2.txt': '', 'x/n.md': '' },
  ],
  [
    '--exclude, several times',
    'FROM busybox\nCOPY --exclude=*.md --exclude=skip . /p/\nCMD find /p | sort',
    '/p\n/p/Dockerfile\n/p/a.txt\n/p/d\n/p/d/b.md',
    { 'a.txt': '', 'n.md': '', 'd/b.md': '', 'skip/x': '' },
  ],
  [
    '--exclude with **',
    'FROM busybox\nCOPY --exclude=**/*.md d /p/\nCMD find /p | sort',
    '/p\n/p/t',
    { 'd/b.md': '', 'd/t': '' },
  ],
  [
    '--link',
    'FROM busybox\nRUN mkdir /old\nCOPY --link --chown=5:6 a /old/new/\nCMD stat -c "%n %u:%g" /old/new /old/new/a',
    '/old/new 5:6\n/old/new/a 5:6',
    { a: '' },
  ],
  [
    '--chmod, symbolic',
    'FROM busybox\nCOPY --chmod=u=rwX,go=rX d /p\nCMD stat -c %a /p /p/f',
    '755\n644',
    { 'd/f': '' },
  ],
  [
    '--chown by name alone',
    'FROM busybox\nRUN echo u:x:7:8::/: >> /etc/passwd; echo u:x:9: >> /etc/group\nCOPY --chown=u a /a\nCMD stat -c %u:%g /a',
    '7:9',
    { a: '' },
  ],
  [
    'COPY --from=image',
    'FROM scratch AS s\nFROM busybox\nCOPY --from=busybox:latest /bin/busybox /c/\nCMD /c/busybox echo works',
    'works',
  ],
  [
    'COPY of several here-documents',
    'FROM busybox\nCOPY <<a <<"b" /d/\n$HOME-${x:-y}\na\n$HOME\nb\nCMD cat /d/a /d/b',
    '-y\n$HOME',
    {},
  ],
  [
    'RUN of a here-document with another program',
    'FROM busybox\nRUN <<EOF awk "{print \\$1 > \\"/o\\"}"\nfirst second\nEOF\nCMD cat /o',
    'first',
  ],
  [
    'RUN of a script that names its program',
    'FROM busybox\nRUN <<EOF\n#!/bin/awk -f\nBEGIN { print "awk" > "/o" }\nEOF\nCMD cat /o',
    'awk',
  ],
  ['RUN with <<- loses tabs', 'FROM busybox\nRUN <<-EOF\n\techo tab > /o\n\tEOF\nCMD cat /o', 'tab'],
  [
    'line continuation, comments and empty lines',
    'FROM busybox\nRUN echo a \\\n# comment\n   b \\\n\n   c > /o\nCMD cat /o',
    'a b c',
  ],
  ['escape directive', '# escape=`\nFROM busybox\nRUN echo a `\n  b > /o\nCMD cat /o', 'a b'],
  ['syntax directive', '# syntax=docker/dockerfile:1\nFROM busybox\nCMD echo fine', 'fine'],
  [
    'variable modifiers',
    'FROM busybox\nENV a=foo/bar.tar.gz e= s=xax\nENV o="${a##*/}|${a#*/}|${a%.*}|${a%%.*}|${s/x/y}|${s//x/y}|${e:-d}|${e-d}|${a:+p}|${n+p}|${n:-q}"\nCMD echo $o',
    'bar.tar.gz|bar.tar.gz|foo/bar.tar|foo/bar|yax|yay|d||p||q',
  ],
  [
    'predefined platform arguments',
    'FROM busybox\nARG TARGETARCH\nARG BUILDPLATFORM\nRUN echo $TARGETARCH $BUILDPLATFORM > /o\nCMD cat /o',
    'amd64 linux/amd64',
  ],
  [
    'global ARG in FROM and after it',
    'ARG v=latest\nFROM busybox:$v\nARG v\nRUN echo $v > /o\nCMD cat /o',
    'latest',
  ],
  ['FROM --platform', 'FROM --platform=$BUILDPLATFORM busybox\nCMD echo ok', 'ok'],
  ['ENV in the old form', 'FROM busybox\nENV a b  c\nCMD echo "$a"', 'b  c'],
  ['SHELL', 'FROM busybox\nSHELL ["/bin/sh", "-xc"]\nRUN echo $0 > /o\nCMD ["cat", "/o"]', '/bin/sh'],
  [
    'WORKDIR, relative and with variables',
    'FROM busybox\nENV d=x\nWORKDIR /a/$d\nWORKDIR ../y\nCMD pwd',
    '/a/y',
  ],
  ['USER and WORKDIR', 'FROM busybox\nUSER 5\nWORKDIR /w\nCMD stat -c %u /w; id -u', '0\n5'],
  ['RUN --network=none', 'FROM busybox\nRUN --network=none ls /sys/class/net > /o\nCMD cat /o', 'lo'],
  ['RUN --security=sandbox', 'FROM busybox\nRUN --security=sandbox true\nCMD echo ok', 'ok'],
  [
    'RUN --mount=type=tmpfs,size',
    "FROM busybox\nRUN --mount=type=tmpfs,target=/t,size=2m df -k /t | awk 'NR==2{print $2}' > /o\nCMD cat /o",
    '2048',
  ],
  [
    'ONBUILD of a stage',
    'FROM busybox AS p\nONBUILD RUN echo triggered > /o\nFROM p\nCMD cat /o',
    'triggered',
  ],
  [
    'ADD of a local archive, and not',
    'FROM busybox\nADD a.tgz /u/\nADD --unpack=false a.tgz /k/\nCMD cat /u/in/archive; ls /k',
    'unpackeda.tgz',
  ],
  [
    'names with spaces in JSON form',
    'FROM busybox\nCOPY ["a b", "c d", "/x y/"]\nCMD ls "/x y"',
    'a b\nc d',
    { 'a b': '', 'c d': '' },
  ],
]
for (const [title, dockerfile, expected, files = {}, args = []] of cases) {
  test(title, async () => {
    const more = title.startsWith('ADD of a local') ? { 'a.tgz': archive.toString('latin1') } : {}
    const id = await buildOf({ ...files, Dockerfile: dockerfile }, more, args)
    assert.equal(await daemon.ok('run', '--rm', id), expected)
  })
}

async function buildOf(files: Files, binary: Files, args: readonly string[]): Promise<string> {
  if (Object.keys(binary).length === 0) return await builtImage(daemon, files, args)
  const { directoryOf } = await import('./wharf-build.ts')
  const { writeFileSync } = await import('node:fs')
  const { wharfOk } = await import('../cli/wharf-cli.ts')
  const directory = directoryOf(files)
  for (const [name, text] of Object.entries(binary)) writeFileSync(`${directory}/${name}`, text, 'latin1')
  return await wharfOk(daemon, ['build', '-q', directory])
}

test('ADD of URLs: as they are, checked, unpacked', async () => {
  const dockerfile = `FROM busybox
ADD --checksum=${sum('downloaded')} ${address}/f /d/
ADD --unpack ${address}/a.tar.gz /u/
ADD ${address}/a.tar.gz /k/
CMD cat /d/f /u/in/archive; ls /k; stat -c %a /d/f
`
  const id = await builtImage(daemon, { Dockerfile: dockerfile })
  assert.equal(await daemon.ok('run', '--rm', id), 'downloadedunpackeda.tar.gz\n600')
})

test('ONBUILD triggers run in an image that is built on it', async () => {
  await builtImage(daemon, { Dockerfile: 'FROM busybox\nONBUILD COPY f /f\nONBUILD RUN cat /f > /g' }, [
    '-t',
    'trigger',
  ])
  const id = await builtImage(daemon, { Dockerfile: 'FROM trigger\nCMD cat /g', f: 'on build' })
  assert.equal(await daemon.ok('run', '--rm', id), 'on build')
})

const configured = `FROM busybox
LABEL one="1 one" two=2
EXPOSE 80 81-82/udp
VOLUME ["/v"]
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=5s --timeout=2s --start-period=1m --start-interval=3s --retries=7 CMD test -e /x
ENTRYPOINT ["echo"]
CMD ["a"]
MAINTAINER somebody
`
test('the configuration is what the instructions say', async () => {
  const id = await builtImage(daemon, { Dockerfile: configured })
  const [image] = JSON.parse(await daemon.ok('inspect', id)) as [Record<string, any>]
  const { Labels, ExposedPorts, Volumes, StopSignal, Healthcheck, Entrypoint, Cmd } = image['Config']
  assert.deepEqual(
    { Labels, ExposedPorts, Volumes, StopSignal, Healthcheck, Entrypoint, Cmd, Author: image['Author'] },
    {
      Labels: { one: '1 one', two: '2' },
      ExposedPorts: { '80/tcp': {}, '81/udp': {}, '82/udp': {} },
      Volumes: { '/v': {} },
      StopSignal: 'SIGUSR1',
      Healthcheck: {
        Test: ['CMD-SHELL', 'test -e /x'],
        Interval: 5e9,
        Timeout: 2e9,
        StartPeriod: 60e9,
        StartInterval: 3e9,
        Retries: 7,
      },
      Entrypoint: ['echo'],
      Cmd: ['a'],
      Author: 'somebody',
    },
  )
})

const mistakes: readonly (readonly [dockerfile: string, error: RegExp])[] = [
  ['FROM busybox\nRUN --security=insecure true', /security=insecure is not allowed/],
  ['FROM busybox\nRUN --device=vendor.com\/gpu=all true', /--device is not supported/],
  ['FROM busybox\nADD --checksum=sha256:0 http://127.0.0.1:9/f /f', /invalid checksum digest format/],
  ['FROM busybox\nCOPY --chmod=rwx a /a', /invalid chmod parameter/],
  ['FROM busybox\nCOPY --nope a /a', /dockerfile parse error on line 2: unknown flag: --nope/],
  ['FROM busybox\nENV a="${b:?b is needed}"', /b: b is needed/],
  ['FROM busybox\nRUN <<EOF\necho', /line 2: unterminated heredoc/],
  ['FROM busybox\nENV a="b', /unexpected end of statement while looking for matching double-quote/],
  ['FROM busybox\nHEALTHCHECK --interval=1us CMD x', /cannot be less than 1ms/],
  ['FROM busybox\nEXPOSE 99999', /invalid containerPort: 99999/],
  ['FROM busybox\nONBUILD FROM x', /FROM isn't allowed as an ONBUILD trigger/],
  ['FROM busybox\nSHELL sh', /SHELL requires the arguments to be in JSON form/],
  ['FROM a AS 1x\n', /invalid name for build stage: "1x"/],
  ['COPY a b', /no build stage in current context/],
]
for (const [dockerfile, error] of mistakes) {
  test(`${JSON.stringify(dockerfile)} is an error`, async () => {
    const built = await wharfBuild(daemon, { Dockerfile: dockerfile, a: '' })
    assert.equal(built.exitCode, 1, built.stdout)
    assert.match(built.stderr, error)
  })
}

test('an error shows its place in the Dockerfile, and keeps the words', async () => {
  const parse = await wharfBuild(daemon, { Dockerfile: 'FROM busybox\nRUN a \\\n  b\n\nFOO bar\n' })
  assert.match(parse.stderr, /^Dockerfile:5\n-{20}\n {3}3 \| {7}b\n {3}4 \| {5}\n {3}5 \| >>> FOO bar\n/m)
  assert.match(
    parse.stderr,
    /Error response from daemon: dockerfile parse error on line 5: unknown instruction: FOO/,
  )
  const failed = await wharfBuild(daemon, { Dockerfile: 'FROM busybox\nRUN true && \\\n  exit 7\n' })
  assert.equal(failed.exitCode, 7)
  assert.match(
    failed.stderr,
    /^Dockerfile:2\n-{20}\n.*\n {3}2 \| >>> RUN true && \\\n {3}3 \| >>> {3}exit 7\n/m,
  )
  assert.match(failed.stderr, /returned a non-zero code: 7/)
  const classic = await daemon.docker('build', '-', {
    input: 'FROM busybox\nFOO bar\n',
    env: { DOCKER_BUILDKIT: '0' },
  })
  assert.match(
    classic.stderr,
    /Error response from daemon: dockerfile parse error on line 2: unknown instruction: FOO/,
  )
})
