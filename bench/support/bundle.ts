import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { scratchRoot } from '../../tests/support/scratch.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const folder = `${scratchRoot}/bundle`

/** `wharfd` as packages install it: makes the bundles and the programs that start them once, outside of the checkout. */
export function bundledProgram(): string {
  if (!existsSync(folder)) makeBundle()
  return `${folder}/bin/wharfd`
}

function makeBundle(): void {
  mkdirSync(folder, { recursive: true })
  symlinkSync(`${root}node_modules`, `${folder}/node_modules`)
  cpSync(`${root}bin`, `${folder}/bin`, { recursive: true })
  execFileSync(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    `${root}packaging/build.ts`,
    `${folder}/dist`,
  ])
}
