import { writeFileSync } from 'node:fs'
import { DaemonError, type Query } from '#client/transport.ts'
import type { BuildErrorSource } from '#spec/docker/build.ts'
import { messageOf } from '#errors/errors.ts'
import { openContext } from '../../build/context.ts'
import { parseAttestations } from '../../build/attestations.ts'
import { parseCaches } from '../../build/caches.ts'
import { parseContexts } from '../../build/named-contexts.ts'
import { parseOutputs } from '../../build/outputs.ts'
import { parseAgents, parseSecrets } from '../../build/secrets.ts'
import { type SessionOffers, sessionAnswers } from '../../build/session.ts'
import { PROGRESS_KINDS, type ProgressKind, showBuild } from '../../build/progress/show-build.ts'
import type { TerminalSize } from '../../build/progress/tty.ts'
import { command, exactly } from '../../core/command.ts'
import type { Context } from '../../core/context.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, FlagValueError, int, list, string, strings } from '../../core/flag.ts'
import type { FlagValues } from '../../core/flag.ts'
import { showProgress } from '../../core/progress.ts'
import { parseName } from '../../core/reference.ts'
import { bytes } from '../../flags/bytes.ts'
import { readLabels } from '../../flags/environment.ts'
import { ulimits } from '../../flags/ulimit.ts'
import { proxyVariables } from '../../flags/proxies.ts'
import { humanSize } from '../../format/units.ts'
import { allCredentials, encodeAuth } from '../../registry/credentials.ts'

const flags = {
  'add-host': list('Add a line to /etc/hosts (host:ip)'),
  attest: list('Attach an attestation (type=provenance[,mode=max]|sbom)'),
  'build-arg': list('Set a build argument'),
  'build-context': list('A further context (name=directory, docker-image://, oci-layout://, a URL)'),
  'cache-from': list('Where to take cache from (an image, or type=registry|local,…)'),
  'cache-to': list('Where to leave the cache (type=inline|registry|local,…)'),
  'cgroup-parent': string('Parent cgroup of RUN'),
  check: bool('Check the Dockerfile and build nothing'),
  compress: bool('Compress the context', { hidden: true }),
  'cpu-period': int('CFS period in microseconds'),
  'cpu-quota': int('CFS quota in microseconds'),
  'cpu-shares': int('Share of CPU (relative)', { short: 'c' }),
  'cpuset-cpus': string('CPUs that may be used (0-3, 0,1)'),
  'cpuset-mems': string('Memory nodes that may be used (0-3, 0,1)'),
  'disable-content-trust': bool('Skip image verification', { initial: true, hidden: true }),
  file: string('The Dockerfile (default "PATH/Dockerfile")', { short: 'f' }),
  'force-rm': bool('Remove intermediate containers in every case'),
  iidfile: string('Write the id of the image to a file'),
  isolation: string('Isolation (Windows only)', { hidden: true }),
  label: list('Set metadata of the image'),
  load: bool('Put the image into the image store (as --output=type=docker)'),
  memory: bytes('Memory limit', { short: 'm' }),
  'memory-swap': bytes('Limit of memory and swap together: -1 for unlimited swap', { minusOne: true }),
  'metadata-file': string('Write what is known of the result to a file, as JSON'),
  network: string('Network of RUN', { initial: 'default' }),
  'no-cache': bool('Do every step anew'),
  'no-cache-filter': strings('Do the steps of these stages anew'),
  output: list('Where the result goes (type=local|tar|oci|docker|image|registry,dest=path)', { short: 'o' }),
  platform: strings('Platforms of the image'),
  progress: string('How to show progress (auto, plain, tty, rawjson, quiet)', { initial: 'auto' }),
  provenance: string('Attach provenance (true, false, mode=min|max)'),
  pull: bool('Look for newer base images in every case'),
  push: bool('Push the image to its registry (as --output=type=registry)'),
  quiet: bool('Print the id of the image only', { short: 'q' }),
  rm: bool('Remove intermediate containers when it succeeds', { initial: true }),
  'security-opt': strings('Security option'),
  sbom: string('Attach a bill of materials (true, false)'),
  secret: list('Give a secret to RUN --mount=type=secret (id=mysecret[,src=/local/secret][,env=NAME])'),
  'shm-size': bytes('Size of /dev/shm'),
  squash: bool('Make one layer of all new ones'),
  ssh: list('Forward an SSH agent to RUN --mount=type=ssh (default|<id>[=<socket>])'),
  tag: list('Name of the image, perhaps with a tag', {
    short: 't',
    check: checkTag,
  }),
  target: string('Stage to build'),
  ulimit: ulimits(),
} as const

function checkTag(text: string): string {
  try {
    parseName(text)
    return text
  } catch (error) {
    throw new FlagValueError(messageOf(error))
  }
}

export default command({
  usage: '[OPTIONS] PATH | URL | -',
  args: exactly(1),
  flags,
  async run(context, { args: [target = ''], flags: values }) {
    const { tar, remote, dockerfile } = await openContext(target, values.file)
    const kind = progressKind(context, values)
    const { builds } = await context.client()
    const { environment } = context.config
    const contexts = parseContexts(values['build-context'])
    const asked = parseOutputs(values.output, { push: values.push, load: values.load, out: context.out })
    const caches = parseCaches(values['cache-from'], values['cache-to'])
    const offers: SessionOffers = {
      secrets: parseSecrets(values.secret, environment),
      agents: parseAgents(values.ssh, environment),
      contexts: contexts.tars,
      caches: caches.tars,
      outputs: asked.sinks,
      cacheSinks: caches.sinks,
      environment,
    }
    const offered = [
      ...[offers.secrets, offers.agents, offers.contexts, offers.outputs],
      ...[offers.caches, offers.cacheSinks],
    ]
    const needsSession = values['metadata-file'] !== '' || offered.some(({ size }) => size > 0)
    await using session = needsSession ? await builds.session(sessionAnswers(offers)) : null
    const query: Query = {
      wharfsession: session?.id,
      buildcontexts: someOf(contexts.sources),
      outputs: someOf(asked.outputs),
      attests: someOf(parseAttestations(values.attest, values)),
      cachefrom: someOf(caches.from),
      cacheto: someOf(caches.to),
      ...queryOf(context, values),
      dockerfile,
      remote: remote ?? undefined,
      call: values.check ? 'check' : undefined,
    }
    // Standard output is for results: an id, an archive, what a check finds.
    const out = asked.usesStdout ? context.err : context.out
    let sent = 0
    const counted = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        sent += chunk.length
        yield chunk
      }
      if (kind === 'plain' || (kind === 'auto' && !context.err.isTty))
        context.err.write(`#0 transferring context: ${humanSize(sent)}\n`)
    }
    const registryConfig = encodeAuth(await allCredentials(context.config))
    const messages = await builds
      .build(query, { registryConfig, ...(tar === null ? {} : { context: counted(tar) }) })
      .catch((error: unknown) => {
        if (error instanceof DaemonError && error.source !== null) context.err.write(error.source.excerpt)
        throw session?.failure() ?? error
      })
    let id = ''
    let metadata: unknown = {}
    let place = ''
    const held: string[] = []
    const holder = { isTty: false, write: (text: string) => void held.push(text) }
    const onAux = (aux: unknown): void => {
      if (typeof aux === 'object' && aux !== null && 'ID' in aux && typeof aux.ID === 'string') id = aux.ID
      if (typeof aux === 'object' && aux !== null && 'Metadata' in aux) metadata = aux.Metadata
    }
    try {
      const onSource = ({ excerpt }: BuildErrorSource): void => void (place = excerpt)
      if (values.check) await showProgress(out, messages, { onSource })
      else if (kind === 'quiet') await showProgress(holder, messages, { codeIsStatus: true, onAux, onSource })
      else await showBuild(context.err, messages, { kind, size: () => terminalSize(context), onAux })
    } catch (error) {
      if (kind === 'quiet') context.err.write(held.join(''))
      context.err.write(place)
      // Why the daemon did not get what it asked for says more than that it did not.
      throw session?.failure() ?? error
    }
    if (kind === 'quiet' && !values.check) {
      id = held.join('').trim().split('\n').at(-1) ?? id
      if (id !== '') out.line(id)
    }
    if (values['metadata-file'] !== '')
      writeFileSync(values['metadata-file'], `${JSON.stringify(metadata, null, 2)}\n`)
    if (values.iidfile !== '') writeFileSync(values.iidfile, id)
  },
})

function queryOf(context: Context, values: FlagValues<typeof flags>): Query {
  const on = (flag: boolean) => (flag ? 1 : undefined)
  return {
    t: values.tag,
    q: on(values.quiet || values.progress === 'quiet'),
    nocache: on(values['no-cache']),
    rm: values.rm ? 1 : 0,
    forcerm: on(values['force-rm']),
    pull: on(values.pull),
    squash: on(values.squash),
    nocachefilter: someOf(values['no-cache-filter']),
    buildargs: someOf(buildArgs(context, values['build-arg'])),
    labels: someOf(readLabels({ files: [], values: values.label })),
    target: values.target || undefined,
    networkmode: values.network,
    extrahosts: values['add-host'],
    securityopt: someOf(values['security-opt']),
    memory: values.memory,
    memswap: values['memory-swap'],
    cpushares: values['cpu-shares'],
    cpuperiod: values['cpu-period'],
    cpuquota: values['cpu-quota'],
    cpusetcpus: values['cpuset-cpus'] || undefined,
    cpusetmems: values['cpuset-mems'] || undefined,
    cgroupparent: values['cgroup-parent'] || undefined,
    shmsize: values['shm-size'],
    ulimits: values.ulimit === null ? undefined : JSON.stringify(values.ulimit),
    platform: values.platform.join(',') || context.config.defaultPlatform || undefined,
    version: values.check ? '1' : '2',
  }
}

/** `--quiet` and `--progress`, or BUILDKIT_PROGRESS. @throws ExitError */
function progressKind(context: Context, values: FlagValues<typeof flags>): ProgressKind {
  if (values.quiet) return 'quiet'
  const asked =
    values.progress === 'auto' ? (context.config.environment['BUILDKIT_PROGRESS'] ?? '') : values.progress
  const kind = PROGRESS_KINDS.find((known) => known === (asked === '' ? 'auto' : asked))
  if (kind === undefined)
    throw new ExitError(1, `invalid progress type: ${asked}: one of ${PROGRESS_KINDS.join(', ')}`)
  return kind
}

function terminalSize(context: Context): TerminalSize {
  // A terminal that does not know its size says 0.
  const { columns, rows } = process.stderr
  return { columns: context.config.columns ?? (columns || 80), rows: rows || 24 }
}

/** JSON, or nothing for what is empty. */
function someOf(value: object): string | undefined {
  return Object.keys(value).length === 0 ? undefined : JSON.stringify(value)
}

/** `NAME=value`; a bare NAME takes its value from here and is null when there is none. */
function buildArgs(context: Context, args: readonly string[]): Record<string, string | null> {
  const epoch = context.config.environment['SOURCE_DATE_EPOCH']
  const out: Record<string, string | null> = {
    ...proxyVariables(context.config),
    ...(epoch === undefined ? {} : { SOURCE_DATE_EPOCH: epoch }),
  }
  for (const arg of args) {
    const equals = arg.indexOf('=')
    if (equals < 0) out[arg] = context.config.environment[arg] ?? null
    else out[arg.slice(0, equals)] = arg.slice(equals + 1)
  }
  return out
}
