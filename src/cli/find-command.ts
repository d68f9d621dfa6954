import { existsSync } from 'node:fs'
import { branches, topLevel } from './tree.ts'
import type { Branch, Leaf } from './tree.ts'

/** What the words of a command line name. */
export type Found =
  | {
      readonly kind: 'command'
      readonly leaf: Leaf
      readonly path: string
      readonly canonical: string
      readonly argv: readonly string[]
      readonly help: boolean
    }
  | { readonly kind: 'branch'; readonly branch: Branch; readonly unknown: string | null }
  | { readonly kind: 'plugin'; readonly name: string }
  | { readonly kind: 'program' }

/** Finds the command that the words name: `ps -a`, `container ls -a`, `help container ls`. */
export function findCommand(words: readonly string[]): Found {
  const [first, ...rest] = words
  if (first === undefined || first === '--help' || first === '-h') return { kind: 'program' }
  if (first === 'help') {
    const found = findCommand(rest)
    return found.kind === 'command' ? { ...found, help: true } : found
  }
  const branch = branches.find(({ name }) => name === first)
  if (branch !== undefined) return inBranch(branch, rest)
  // `build` takes one argument, a context: a directory of this name is one.
  if (first === 'build' && rest[0] === 'explain' && !existsSync('explain'))
    return findCommand(['builder', ...rest])
  const top = topLevel.find(({ name }) => name === first)
  if (top === undefined) return { kind: 'plugin', name: first }
  return {
    kind: 'command',
    leaf: top,
    path: top.name,
    canonical: top.of ?? top.name,
    argv: rest,
    help: false,
  }
}

function inBranch(branch: Branch, words: readonly string[]): Found {
  const [name, ...argv] = words
  if (name === undefined || name === '--help' || name === '-h')
    return { kind: 'branch', branch, unknown: null }
  const leaf = branch.children.find((child) => child.name === name || (child.aliases ?? []).includes(name))
  if (leaf === undefined) return { kind: 'branch', branch, unknown: name }
  const path = `${branch.name} ${leaf.name}`
  return { kind: 'command', leaf, path, canonical: path, argv, help: false }
}
