import { InvalidArgumentError } from '#errors/errors.ts'

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 }
const WHAT: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 }

/**
 * Applies `--chmod` to a mode: octal, or chmod(1)'s symbolic form (`u=rwX,go-w`).
 * @throws InvalidArgumentError for anything else.
 */
export function applyMode(mode: number, change: string, isDirectory: boolean): number {
  if (/^[0-7]{1,4}$/.test(change)) return Number.parseInt(change, 8)
  let result = mode
  for (const clause of change.split(',')) {
    const match = /^([ugoa]*)((?:[-+=][rwxXst]*)+)$/.exec(clause)
    if (match === null)
      throw new InvalidArgumentError(
        `invalid chmod parameter: '${change}'. it should be octal string or symbolic mode`,
      )
    const who = [...(match[1] === '' ? 'a' : (match[1] as string))].reduce(
      (bits, c) => bits | (WHO[c] as number),
      0,
    )
    for (const [, operator, letters] of (match[2] as string).matchAll(/([-+=])([rwxXst]*)/g)) {
      const wanted = [...(letters as string)].reduce((bits, letter) => {
        if (letter === 'X') return bits | (isDirectory || (result & 0o111) !== 0 ? 0o111 : 0)
        return bits | (WHAT[letter] as number)
      }, 0)
      if (operator === '+') result |= wanted & who
      else if (operator === '-') result &= ~(wanted & who)
      else result = (result & ~(who & 0o777)) | (wanted & who)
    }
  }
  return result
}
