import { branches, topLevel } from '../tree.ts'
import type { Leaf } from '../tree.ts'

interface Entry {
  /** The words that name the command. */
  readonly path: string
  readonly short: string
  /** `--name` and `-n`. */
  readonly flags: readonly string[]
  readonly what: 'containers' | 'running' | 'images' | 'networks' | 'volumes' | 'contexts' | ''
}

const running = new Set(['attach', 'exec', 'kill', 'pause', 'stop', 'top', 'unpause', 'stats', 'port'])
const imageArgs = new Set(['run', 'create', 'rmi', 'push', 'save', 'history', 'tag'])

/** A completion script for a shell; null when there is none for it. */
export async function completionScript(shell: string): Promise<string | null> {
  if (shell !== 'bash' && shell !== 'zsh' && shell !== 'fish') return null
  const entries = await allEntries()
  if (shell === 'bash') return bash(entries)
  return shell === 'zsh' ? zsh(entries) : fish(entries)
}

async function allEntries(): Promise<Entry[]> {
  const leaves: { path: string; leaf: Leaf; noun: string }[] = [
    ...topLevel.map((leaf) => ({ path: leaf.name, leaf, noun: leaf.of?.split(' ')[0] ?? '' })),
    ...branches.flatMap(({ name, children }) =>
      children.map((leaf) => ({ path: `${name} ${leaf.name}`, leaf, noun: name })),
    ),
  ]
  return Promise.all(
    leaves
      .filter(({ leaf }) => leaf.hidden !== true)
      .map(async ({ path, leaf, noun }) => {
        const { default: loaded } = await leaf.load()
        const flags = Object.entries(loaded.flags).flatMap(([name, flag]) =>
          flag.hidden ? [] : [`--${name}`, ...(flag.short === null ? [] : [`-${flag.short}`])],
        )
        return {
          path,
          short: leaf.short,
          flags,
          what: loaded.args.max === 0 ? '' : argumentOf(noun, leaf.name),
        }
      }),
  )
}

function argumentOf(noun: string, name: string): Entry['what'] {
  if (imageArgs.has(name)) return 'images'
  if (noun === 'image') return ['inspect', 'rm', 'tree', 'ls'].includes(name) ? 'images' : ''
  if (noun === 'container') return running.has(name) ? 'running' : 'containers'
  if (noun === 'network' && name !== 'create') return 'networks'
  if (noun === 'volume' && name !== 'create') return 'volumes'
  if (noun === 'context' && name !== 'create') return 'contexts'
  return name === 'inspect' ? 'containers' : ''
}

const lists: Readonly<Record<string, string>> = {
  containers: "wharf ps -a --format '{{.Names}}'",
  running: "wharf ps --format '{{.Names}}'",
  images: "wharf images --format '{{.Repository}}:{{.Tag}}'",
  networks: "wharf network ls --format '{{.Name}}'",
  volumes: 'wharf volume ls -q',
  contexts: 'wharf context ls -q',
}

const nouns = branches.map(({ name }) => name)
const firstWords = [
  ...new Set([...topLevel.filter(({ hidden }) => hidden !== true).map(({ name }) => name), ...nouns]),
].toSorted()

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(
    ({ path, flags, what }) => `    '${path}') flags='${flags.join(' ')}'; list='${what}' ;;`,
  )
  const children = branches.map(
    ({ name, children: leaves }) =>
      `    ${name}) words='${leaves
        .filter(({ hidden }) => hidden !== true)
        .map((leaf) => leaf.name)
        .join(' ')}' ;;`,
  )
  const fetch = Object.entries(lists).map(([name, run]) => `    ${name}) ${run} 2>/dev/null ;;`)
  return `# bash completion for wharf
_wharf_list() {
  case "$1" in
${fetch.join('\n')}
  esac
}
_wharf() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path='' word words='' flags='' list=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word"; case "$path" in ${nouns.join('|')}) ;; *) break ;; esac ;; esac
  done
  case "$path" in
    '') words='${firstWords.join(' ')}' ;;
${children.join('\n')}
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags --help" -- "$cur"))
  elif [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur"))
  elif [[ -n $list ]]; then COMPREPLY=($(compgen -W "$(_wharf_list "$list")" -- "$cur")); __ltrim_colon_completions "$cur" 2>/dev/null
  fi
}
complete -o default -F _wharf wharf
`
}

function zsh(entries: readonly Entry[]): string {
  return `#compdef wharf
# The same completion as bash's, through zsh's own bridge.
autoload -U +X bashcompinit && bashcompinit
${bash(entries).split('\n').slice(1).join('\n')}`
}

function fish(entries: readonly Entry[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const seen = (path: string) =>
    quote(
      path
        .split(' ')
        .map((word) => `__fish_seen_subcommand_from ${word}`)
        .join('; and '),
    )
  const none = quote(`not __fish_seen_subcommand_from ${firstWords.join(' ')}`)
  const lines = [
    '# fish completion for wharf',
    'complete -c wharf -f',
    ...topLevel
      .filter(({ hidden }) => hidden !== true)
      .map(({ name, short }) => `complete -c wharf -n ${none} -a ${name} -d ${quote(short)}`),
    ...branches.map(({ name, short }) => `complete -c wharf -n ${none} -a ${name} -d ${quote(short)}`),
    ...branches.flatMap(({ name, children }) =>
      children
        .filter(({ hidden }) => hidden !== true)
        .map((leaf) => `complete -c wharf -n ${seen(name)} -a ${leaf.name} -d ${quote(leaf.short)}`),
    ),
  ]
  for (const { path, flags, what } of entries) {
    for (const flag of flags)
      lines.push(
        `complete -c wharf -n ${seen(path)} ${flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`}`,
      )
    const run = lists[what]
    if (run !== undefined)
      lines.push(`complete -c wharf -n ${seen(path)} -a ${quote(`(${run} 2>/dev/null)`)}`)
  }
  return `${lines.join('\n')}\n`
}
