/** The keys the explorer knows. */
export type Key =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'home'
  | 'end'
  | 'tab'
  | 'toggle'
  | 'quit'
  | { readonly letter: string }

const SEQUENCES: readonly (readonly [string, Key])[] = [
  ['\x1b[A', 'up'],
  ['\x1b[B', 'down'],
  ['\x1b[C', 'right'],
  ['\x1b[D', 'left'],
  ['\x1bOA', 'up'],
  ['\x1bOB', 'down'],
  ['\x1bOC', 'right'],
  ['\x1bOD', 'left'],
  ['\x1b[5~', 'page-up'],
  ['\x1b[6~', 'page-down'],
  ['\x1b[H', 'home'],
  ['\x1b[1~', 'home'],
  ['\x1b[F', 'end'],
  ['\x1b[4~', 'end'],
]

const CHARACTERS: Readonly<Record<string, Key>> = {
  '\t': 'tab',
  ' ': 'toggle',
  '\r': 'toggle',
  '\n': 'toggle',
  '\x03': 'quit',
  '\x04': 'quit',
  '\x1b': 'quit',
  q: 'quit',
  k: 'up',
  j: 'down',
  h: 'left',
  l: 'right',
  g: 'home',
  G: 'end',
}

/** The keys in what a terminal sent; sequences that mean nothing here are passed over. */
export function parseKeys(text: string): Key[] {
  const keys: Key[] = []
  for (let at = 0; at < text.length;) {
    const known = SEQUENCES.find(([sequence]) => text.startsWith(sequence, at))
    if (known !== undefined) {
      keys.push(known[1])
      at += known[0].length
      continue
    }
    const unknown = /^\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.)/.exec(text.slice(at))
    if (unknown !== null) {
      at += unknown[0].length
      continue
    }
    const character = text[at] as string
    keys.push(CHARACTERS[character] ?? { letter: character })
    at += 1
  }
  return keys
}
