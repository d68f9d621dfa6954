import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from '../../tests/support/engine.ts'
import { scratchDirectory } from '../../tests/support/scratch.ts'
import { timed, type Subject } from '../measure.ts'

const STAGES = 30
const SMALL_FILES = 20_000
/** The classic builder, which all engines have: podman's is buildah. */
const classic = { env: { DOCKER_BUILDKIT: '0' }, timeoutMs: 600_000 }

const tenSteps = `FROM busybox
ENV A=1
WORKDIR /src
COPY lib lib
RUN cat lib/* > /lib.o
ENV B=2
COPY main.c .
RUN cat main.c /lib.o > /app
LABEL made=here
CMD ["/app"]
`

const stages = `${Array.from({ length: STAGES }, (_, n) => `FROM busybox AS s${String(n)}\nRUN echo ${String(n)} > /out\n`).join('')}
FROM scratch
${Array.from({ length: STAGES }, (_, n) => `COPY --from=s${String(n)} /out /${String(n)}\n`).join('')}`

const copyAll = 'FROM busybox\nCOPY . /src\n'

/** A context of its own for each subject, made when it is prepared first. */
function context(fill: (directory: string) => void): () => string {
  let directory = ''
  return () => {
    if (directory === '') {
      directory = scratchDirectory('context')
      fill(directory)
    }
    return directory
  }
}

const sources = context((directory) => {
  mkdirSync(join(directory, 'lib'))
  writeFileSync(join(directory, 'Dockerfile'), tenSteps)
  writeFileSync(join(directory, 'main.c'), 'int main(void) { return 0; }\n')
  for (let n = 0; n < 20; n += 1)
    writeFileSync(join(directory, 'lib', `${String(n)}.c`), `int f${String(n)};\n`)
})
const parallel = context((directory) => writeFileSync(join(directory, 'Dockerfile'), stages))
const manyFiles = context((directory) => {
  writeFileSync(join(directory, 'Dockerfile'), copyAll)
  for (let n = 0; n < SMALL_FILES; n += 1) {
    if (n % 1_000 === 0) mkdirSync(join(directory, String(n / 1_000)))
    writeFileSync(join(directory, String(Math.floor(n / 1_000)), String(n)), `file ${String(n)}\n`)
  }
})
const ignored = context((directory) => {
  writeFileSync(join(directory, 'Dockerfile'), copyAll)
  writeFileSync(join(directory, '.dockerignore'), 'data\n')
  mkdirSync(join(directory, 'data'))
  writeFileSync(join(directory, 'data', 'gigabyte'), '')
  truncateSync(join(directory, 'data', 'gigabyte'), 1024 ** 3)
})

const name = 'bench-build'
async function build(engine: Engine, directory: string, ...flags: readonly string[]): Promise<void> {
  await engine.ok('build', '-q', '--network', 'none', '-t', name, ...flags, directory, classic)
}

async function clean(engine: Engine): Promise<void> {
  await engine.ok('rmi', '-f', name)
  await engine.ok('image', 'prune', '-f')
}

let edits = 0
/** Writes what no build has seen. */
function edit(path: string): void {
  edits += 1
  writeFileSync(path, `int main(void) { return ${String(edits)}; }\n`)
}

/** The work on a context that was built before. */
function subject(
  title: string,
  directory: () => string,
  { rounds, once }: Pick<Subject, 'rounds' | 'once'>,
): Subject {
  return {
    ...{ name: `build: ${title}`, unit: 'ms', rounds, once, restore: clean },
    prepare: (engine) => build(engine, directory()),
  }
}

/** Builds by the classic builder's API, of Dockerfiles and contexts as they come. */
export const buildCases: readonly Subject[] = [
  subject('ten steps, cold', sources, {
    rounds: 3,
    once: (engine) => timed(() => build(engine, sources(), '--no-cache')),
  }),
  subject('ten steps, cached, over ps', sources, {
    rounds: 7,
    once: async (engine) =>
      (await timed(() => build(engine, sources()))) - (await timed(() => engine.ok('ps'))),
  }),
  subject('one source line changed', sources, {
    rounds: 3,
    async once(engine) {
      edit(join(sources(), 'main.c'))
      return await timed(() => build(engine, sources()))
    },
  }),
  subject(`${String(STAGES)} independent stages, cold`, parallel, {
    rounds: 1,
    once: (engine) => timed(() => build(engine, parallel(), '--no-cache')),
  }),
  subject(`${SMALL_FILES.toLocaleString('en')} files, one changed`, manyFiles, {
    rounds: 1,
    async once(engine) {
      edit(join(manyFiles(), '0', '0'))
      return await timed(() => build(engine, manyFiles()))
    },
  }),
  subject('a gigabyte ignored, cached', ignored, {
    rounds: 3,
    once: (engine) => timed(() => build(engine, ignored())),
  }),
]
