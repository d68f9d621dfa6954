const BARS = '▁▂▃▄▅▆▇█'

/** The last values as small bars, the highest of them full. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const highest = Math.max(...shown, 0)
  const bar = (value: number) =>
    BARS.charAt(
      highest === 0 ? 0 : Math.min(BARS.length - 1, Math.floor((value / highest) * (BARS.length - 1) + 0.5)),
    )
  return shown.map(bar).join('').padStart(width)
}
