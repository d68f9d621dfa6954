import { mkdirSync, symlinkSync, unlinkSync } from 'node:fs'
import { dockerCli, run, type Engine } from '../support/engine.ts'
import { scratchDirectory } from '../support/scratch.ts'

/**
 * A walk through the stock docker CLI. Each line of `steps` is a shell command; its output and exit code are compared between the
 * engines after what must differ (ids, times, addresses) is made alike. A line that begins with `@` must succeed and is not compared.
 * `api METHOD PATH [BODY]` is one request to the API, which the CLI would not send; its answer and status are compared.
 * `eventually COMMAND` tries for 30 s until the command succeeds.
 */
export type Script = {
  readonly name: string
  readonly steps: string
  /** Why this engine is known to answer otherwise: the script is then run on the reference only, and listed. */
  readonly differs?: string
}

const prelude = `
eventually() { n=0; until "$@" >/dev/null 2>&1; do n=$((n+1)); [ $n -lt 300 ] || { echo "in vain: $*"; return 1; }; sleep 0.1; done; }
api() { curl -sS -m 60 --unix-socket "\${DOCKER_HOST#unix://}" -X "$1" \${3:+-H 'Content-Type: application/json' --data "$3"} -w '[%{http_code}]\\n' "http://d/v1.51$2"; }
state() { [ "$(docker inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }
`
const cleanUp = `
docker ps -aq | xargs -r docker rm -fv
docker volume ls -q | xargs -r docker volume rm -f
docker network ls -q --filter type=custom | xargs -r docker network rm
docker image ls --filter reference='made*' --format '{{.Repository}}:{{.Tag}}' | xargs -r docker image rm -f
docker image ls -q --filter dangling=true | xargs -r docker image rm -f
`

/** Runs a script on an engine and returns what was seen, line by line, normalised; cleans up after it. `cli` is what `docker` means. */
export async function play(script: Script, engine: Engine, cli: string = dockerCli): Promise<string> {
  const cwd = scratchDirectory('c')
  mkdirSync(`${cwd}/.bin`)
  symlinkSync(cli, `${cwd}/.bin/docker`)
  const env = {
    DOCKER_HOST: `unix://${engine.socketPath}`,
    DOCKER_CONFIG: `${cwd}/.config`,
    DOCKER_CLI_HINTS: 'false',
    PATH: `${cwd}/.bin:${process.env.PATH}`,
    REACH: engine.networkPrefix.join(' '),
    BUILDX_BUILDER: 'default',
  }
  const shell = (line: string): ReturnType<typeof run> =>
    run(['sh', '-c', prelude + line], { env, cwd, timeoutMs: 90_000 })
  const seen: string[] = []
  try {
    for (const line of script.steps
      .split('\n')
      .map((text) => text.trim())
      .filter((text) => text !== '')) {
      const silent = line.startsWith('@')
      const result = await shell(silent ? line.slice(1) : line)
      if (silent && result.exitCode === 0) continue
      seen.push(
        `$ ${line}`,
        result.stdout,
        result.stderr === '' ? '' : `[stderr] ${result.stderr}`,
        `[exit code ${result.exitCode}]`,
      )
    }
  } finally {
    unlinkSync(`${cwd}/.bin/docker`)
    symlinkSync(dockerCli, `${cwd}/.bin/docker`)
    await shell(cleanUp)
  }
  return normalised(
    seen
      .filter((text) => text !== '')
      .map((text) => text.trimEnd())
      .join('\n'),
    cwd,
  )
}

/** Makes alike what two engines cannot have alike. */
function normalised(text: string, cwd: string): string {
  return text
    .replaceAll(cwd, '<cwd>')
    .replace(/\b[0-9a-f]{64}\b/g, '<id>')
    .replace(/(?<![\w-])[0-9a-f]{12}(?![\w-])/g, '<id>')
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[ ]?[+-]\d\d:?\d\d( UTC)?)?/g, '<time>')
    .replace(/\b(About an?|Less than a|\d+) (second|minute|hour|day|week|month|year)s?( ago)?\b/g, '<ago>')
    .replace(/\b(?!127\.0\.0\.|0\.0\.0\.0|8\.8\.|1\.2\.3\.4|10\.9\d\.)\d{1,3}(\.\d{1,3}){3}\b/g, '<ip>')
    .replace(/\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/g, '<mac>')
    .replace(/(:|^)(3[2-9]|[45]\d|6[0-5])\d{3}\b/gm, '$1<port>')
    .replace(/unix:\/\/\S+\.sock/g, '<socket>')
    .replace(/[ \t]+/g, ' ')
    .replace(/ +$/gm, '')
}
