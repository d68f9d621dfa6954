import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

/** The root of the project, with a slash at its end. */
export const projectRoot: string = fileURLToPath(new URL('../../', import.meta.url))

/** Paths of all TypeScript files below a folder of the project, relative to its root. */
export function sourceFiles(...folders: readonly string[]): readonly string[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: projectRoot }))
    .filter((file) => !file.includes('/testdata/'))
    .sort()
}

/** The text of a file of the project. */
export function read(file: string): string {
  return readFileSync(join(projectRoot, file), 'utf8')
}

export type Import = {
  /** As written. */
  readonly specifier: string
  /** The file of the project that it names, or null for a package or a module of Node. */
  readonly file: string | null
}

/** What a file imports, types too, and what it loads later by `import(…)`. */
export function importsOf(file: string): readonly Import[] {
  return importsIn(file, read(file))
}

/** What must be loaded before a file: its imports without those of `import(…)`. */
export function staticImportsOf(file: string): readonly Import[] {
  return importsIn(file, read(file).replace(/\bimport\(/g, 'later('))
}

function importsIn(file: string, text: string): readonly Import[] {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName }) => ({ specifier: fileName, file: target(file, fileName) }))
}

function target(from: string, specifier: string): string | null {
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier))
  return null
}

/** The area of a file below src: `kernel` of `src/kernel/mounts.ts`; null elsewhere. */
export function areaOf(file: string): string | null {
  return /^src\/([^/]+)\//.exec(file)?.[1] ?? null
}

/** True for files of which a user runs nothing. */
export function isTest(file: string): boolean {
  return /\.(test|suite)\.ts$/.test(file) || /\/(fake|testing|testdata)\//.test(file)
}
