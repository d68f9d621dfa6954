/** Compares texts so that numbers in them go by their value: `80/tcp` before `443/tcp`, `net2` before `net10`. */
export function naturally(a: string, b: string): number {
  const left = a.match(/\d+|\D/g) ?? []
  const right = b.match(/\d+|\D/g) ?? []
  for (let at = 0; at < left.length && at < right.length; at += 1) {
    const x = left[at] ?? ''
    const y = right[at] ?? ''
    if (x === y) continue
    const bothNumbers = /^\d/.test(x) && /^\d/.test(y)
    if (bothNumbers && Number(x) !== Number(y)) return Number(x) - Number(y)
    return x < y ? -1 : 1
  }
  return left.length - right.length
}
