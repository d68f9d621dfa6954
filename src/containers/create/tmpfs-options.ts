import { InvalidArgumentError } from '#errors/errors.ts'
import type { Mount } from '#spec/docker/host-config.ts'

const FLAGS = new Set(
  (
    'defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime noatime diratime ' +
    'nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave rslave relatime norelatime ' +
    'strictatime nostrictatime'
  ).split(' '),
)
const KEYS = new Set(['mode', 'uid', 'gid', 'mpol', 'size', 'nr_inodes', 'nr_blocks'])

/** Options of `--tmpfs /x:size=1m,exec` behind Docker's own (tmpfs(5)). @throws InvalidArgumentError in Docker's words. */
export function tmpfsOptions(text: string): readonly string[] {
  const own = text === '' ? [] : text.split(',')
  for (const option of own) {
    const [key = '', value] = option.split('=', 2)
    if (!(value === undefined ? FLAGS.has(option) : KEYS.has(key))) {
      throw new InvalidArgumentError(`invalid tmpfs option "${option}"`)
    }
  }
  return mergeOptions(['noexec', 'nosuid', 'nodev', 'rprivate'], own)
}

/** Options of a mount of type tmpfs. @throws InvalidArgumentError in Docker's words. */
export function mountOptionTexts(
  options: NonNullable<Mount['TmpfsOptions']>,
  readOnly: boolean,
): readonly string[] {
  const own: string[] = readOnly ? ['ro'] : []
  const size = options.SizeBytes ?? 0
  if (size < 0) throw new InvalidArgumentError(`invalid tmpfs size: ${size}`)
  if (size > 0) own.push(`size=${size}`)
  if ((options.Mode ?? 0) !== 0) own.push(`mode=${(options.Mode ?? 0).toString(8)}`)
  for (const pair of options.Options ?? []) {
    const text = pair.join('=')
    if (
      pair.length < 1 ||
      pair.length > 2 ||
      !(pair.length === 1 ? FLAGS.has(text) : KEYS.has(pair[0] ?? ''))
    ) {
      throw new InvalidArgumentError(`invalid mount config for type "tmpfs": invalid option: ${text}`)
    }
    own.push(text)
  }
  return mergeOptions(['noexec', 'nosuid', 'nodev', 'rprivate'], own)
}

/** Later options win over the earlier ones that they contradict. */
function mergeOptions(base: readonly string[], own: readonly string[]): readonly string[] {
  const kept = base.filter((option) => {
    const opposite = option.startsWith('no') ? option.slice(2) : `no${option}`
    const propagates =
      option === 'rprivate' && own.some((o) => /^r?(private|shared|slave|unbindable)$/.test(o))
    return !own.includes(opposite) && !own.includes(option) && !propagates
  })
  return [...kept, ...own.filter((option) => option !== 'defaults')]
}
