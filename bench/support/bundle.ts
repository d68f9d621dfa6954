import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { scratchRoot } from '../../tests/support/scratch.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Makes what packages install, the bundles and the programs that start them, outside of the checkout; returns its root. */
export function makeBundle(): string {
  const folder = `${scratchRoot}/bundle`
  mkdirSync(folder, { recursive: true })
  symlinkSync(`${root}node_modules`, `${folder}/node_modules`)
  cpSync(`${root}bin`, `${folder}/bin`, { recursive: true })
  execFileSync(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    `${root}packaging/build.ts`,
    `${folder}/dist`,
  ])
  return folder
}
