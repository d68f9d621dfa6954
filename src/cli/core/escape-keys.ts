import { ExitError } from './exit.ts'

const specials: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 }

/** `ctrl-p,ctrl-q` as bytes. @throws ExitError when a key is unknown. */
export function parseDetachKeys(text: string): number[] {
  return text.split(',').map((key) => {
    const control = /^ctrl-(.)$/.exec(key)?.[1]
    if (control === undefined && key.length === 1) return key.charCodeAt(0)
    if (control !== undefined && /[a-z]/.test(control)) return control.charCodeAt(0) - 96
    if (control !== undefined && specials[control] !== undefined) return specials[control]
    throw new ExitError(1, `invalid detach keys (${text}): Unknown character: '${key}'`)
  })
}

/** Watches typed bytes for the keys that detach; what may be their beginning is held back until it is decided. */
export class EscapeWatcher {
  readonly #keys: readonly number[]
  #matched = 0

  constructor(keys: readonly number[]) {
    this.#keys = keys
  }

  /** @returns the bytes to send on, and whether the keys were complete. */
  push(bytes: Uint8Array): { readonly send: Uint8Array; readonly detached: boolean } {
    const send: number[] = []
    for (const byte of bytes) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched += 1
        if (this.#matched === this.#keys.length) return { send: Uint8Array.from(send), detached: true }
        continue
      }
      send.push(...this.#keys.slice(0, this.#matched))
      this.#matched = byte === this.#keys[0] ? 1 : 0
      if (this.#matched === 0) send.push(byte)
    }
    return { send: Uint8Array.from(send), detached: false }
  }
}
