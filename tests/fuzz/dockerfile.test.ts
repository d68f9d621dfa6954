/** Dockerfiles that nobody meant: the parser ends with an error of its own or a result, at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDockerfile } from '#builder/dockerfile/parse-dockerfile.ts'
import { ExpansionError, expandWord, expandWords } from '#builder/dockerfile/expand.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

const ROUNDS = 5000
const SEED = Number(process.env['WHARF_FUZZ_SEED'] ?? Date.now() % 1_000_000)
const PIECES = [
  ...[
    'FROM',
    'FROM a AS b',
    'RUN',
    'COPY',
    'ADD',
    'ENV',
    'ARG',
    'LABEL',
    'CMD',
    'ONBUILD',
    'HEALTHCHECK',
    'VOLUME',
    'SHELL',
  ],
  ...[
    ' ',
    '  ',
    '\t',
    '\n',
    '\n\n',
    '\\\n',
    '\\',
    '`',
    '#',
    '# escape=`\n',
    '=',
    '"',
    "'",
    '[',
    ']',
    '["a", "b"]',
    '{',
    '}',
  ],
  ...[
    '$',
    '${',
    '${a',
    '${a:-b}',
    '${a##*/}',
    '${a/b/c}',
    '${a//[',
    '<<EOF',
    '<<-"A"',
    'EOF\n',
    'A\n',
    '--from=',
    '--mount=type=',
    '\0',
    'ü',
  ],
]

function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state % below
  }
}

const random = randomFrom(SEED)
const text = (): string => Array.from({ length: random(30) }, () => PIECES[random(PIECES.length)]).join('')

test(`parseDockerfile() refuses or reads whatever comes (seed ${SEED})`, () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const file = text()
    try {
      parseDockerfile(file)
    } catch (error) {
      assert.ok(error instanceof InvalidArgumentError, `${JSON.stringify(file)}: ${String(error)}`)
    }
  }
})

test(`expandWord() and expandWords() refuse or expand whatever comes (seed ${SEED})`, () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const word = text()
    for (const expand of [expandWord, expandWords]) {
      try {
        expand(word, (name) => (name === 'a' ? 'x/y z' : null))
      } catch (error) {
        assert.ok(error instanceof ExpansionError, `${JSON.stringify(word)}: ${String(error)}`)
      }
    }
  }
})
