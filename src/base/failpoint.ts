/**
 * Named places between two durable steps, where tests make the process fail (after containerd's failpoints).
 *
 * Off unless WHARF_FAILPOINTS is set by `daemon/` through `armFailpoints`. The text is a list
 * `name=[N*]action` joined by `;`, actions `error`, `delay(ms)`, `kill` (SIGKILL to this process) and `off`.
 * `N*` lets the action happen N times only. Example: `images.commit.before-rename=1*kill`.
 */
type Action = { readonly kind: 'error' | 'kill' | 'off' } | { readonly kind: 'delay'; readonly ms: number }
type Armed = { readonly action: Action; left: number }

const armed = new Map<string, Armed>()

/** Arms failpoints from their text form. @throws RangeError naming the part that cannot be read. */
export function armFailpoints(text: string): void {
  for (const part of text.split(';').filter((entry) => entry.trim() !== '')) {
    const match = /^\s*([\w.-]+)=(?:(\d+)\*)?(error|kill|off|delay\((\d+)\))\s*$/.exec(part)
    if (match === null) throw new RangeError(`invalid failpoint ${JSON.stringify(part)}`)
    const [, name, times, action, ms] = match as unknown as [string, string, string?, string?, string?]
    const left = times === undefined ? Infinity : Number(times)
    if (ms !== undefined) armed.set(name, { action: { kind: 'delay', ms: Number(ms) }, left })
    else armed.set(name, { action: { kind: action as 'error' | 'kill' | 'off' }, left })
  }
}

/** Does what the failpoint of this name is armed to do; costs a map look-up on an empty map otherwise. */
export async function failpoint(name: string): Promise<void> {
  if (armed.size === 0) return
  const action = take(name)
  if (action?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, action.ms))
  else act(name, action)
}

/** As `failpoint`, between steps that may not wait; a delay is refused. */
export function failpointSync(name: string): void {
  if (armed.size === 0) return
  act(name, take(name))
}

function take(name: string): Action | undefined {
  const point = armed.get(name)
  if (point === undefined || point.left <= 0) return undefined
  point.left -= 1
  return point.action
}

function act(name: string, action: Action | undefined): void {
  if (action === undefined || action.kind === 'off') return
  if (action.kind === 'delay') throw new RangeError(`failpoint ${name} cannot wait`)
  if (action.kind === 'error') throw new Error(`failpoint ${name}`)
  process.kill(process.pid, 'SIGKILL')
  // SIGKILL to oneself is delivered on return to user space; nothing after this line may become durable.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
