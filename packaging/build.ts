/**
 * Makes dist/ with bundles of the sources, which start faster: nothing is stripped of types, and few files are opened.
 * `node packaging/build.ts`
 */
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../', import.meta.url))

/** Program in dist/ → its source. The worker is a program of its own: a thread starts with a file. */
const programs = {
  'wharf-main': 'src/cli/main.ts',
  'wharfd-main': 'src/daemon/main.ts',
  'layer-worker': 'src/images/worker/main.ts',
}

/** V8 keeps the compiled code of what the main modules import beside them, where it may write. */
const starter = (program: string): string =>
  `import { enableCompileCache } from 'node:module'\nenableCompileCache(new URL('./cache', import.meta.url).pathname)\nawait import('./${program}-main.js')\n`

const half = mkdtempSync(join(root, '.dist-'))
try {
  await build({
    absWorkingDir: root,
    entryPoints: programs,
    outdir: half,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Native code finds its own files beside it; what CommonJS packages require must be there as a function.
    external: ['koffi'],
    banner: {
      js: "import { createRequire as __wharfRequire } from 'node:module'; const require = __wharfRequire(import.meta.url);",
    },
    legalComments: 'none',
    logLevel: 'warning',
  })
  for (const program of ['wharf', 'wharfd']) {
    await build({
      stdin: { contents: starter(program), resolveDir: half },
      outfile: join(half, `${program}.js`),
      format: 'esm',
      platform: 'node',
      external: ['*'],
      bundle: true,
      logLevel: 'warning',
    })
  }
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  renameSync(half, join(root, 'dist'))
} finally {
  rmSync(half, { recursive: true, force: true })
}
