import { FlagValueError, map } from '../core/flag.ts'
import type { Flag } from '../core/flag.ts'

const known = new Set(
  ['msgmax', 'msgmnb', 'msgmni', 'sem', 'shmall', 'shmmax', 'shmmni', 'shm_rmid_forced'].map(
    (name) => `kernel.${name}`,
  ),
)

/** The flag `--sysctl`: only parameters that belong to a namespace, others would change the whole machine. */
export function sysctls(): Flag<Readonly<Record<string, string>>> {
  const base = map('Kernel parameter')
  return {
    ...base,
    parse: (text, before) => {
      const name = text.split('=', 1)[0] ?? ''
      const allowed =
        text.includes('=') && (known.has(name) || name.startsWith('net.') || name.startsWith('fs.mqueue.'))
      if (!allowed) throw new FlagValueError(`sysctl '${text}' is not allowed`)
      return base.parse(text, before)
    },
  }
}
