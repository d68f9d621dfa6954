/**
 * Makes dist/ with bundles of the sources, which start faster: nothing is stripped of types, and few files are opened.
 * `node packaging/build.ts [FOLDER]`: to another folder, which needs a node_modules with koffi beside it.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../', import.meta.url))
const dist = resolve(process.argv[2] ?? join(root, 'dist'))

/** Program in dist/ → its source. The worker is a program of its own: a thread starts with a file. */
const programs = {
  'wharfd-main': 'src/daemon/main.ts',
  'layer-worker': 'src/images/worker/main.ts',
}

/** V8 keeps the compiled code of what the main modules import beside them, where it may write. */
const starter = (program: string): string =>
  `import { enableCompileCache } from 'node:module'\nenableCompileCache(new URL('./cache', import.meta.url).pathname)\nawait import('./${program}-main.js')\n`

/**
 * The command line is one CommonJS file: it starts 20 ms sooner than the same as ES modules, because one file is
 * opened, checked and looked up in the code cache instead of forty. A command's code runs only when it is called.
 */
async function buildCommandLine(folder: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    outfile: join(folder, 'wharf-main.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    define: { 'import.meta.url': '__wharfUrl' },
    banner: { js: "const __wharfUrl = 'file://' + __filename;" },
    legalComments: 'none',
    logLevel: 'warning',
  })
  const start =
    "require('node:module').enableCompileCache(__dirname + '/cache')\nrequire('./wharf-main.cjs')\n"
  writeFileSync(join(folder, 'wharf.cjs'), start)
}

/** Scripts for the shells, for packages to install; the first run also fills the code cache. */
function writeCompletions(): void {
  const folder = join(dist, 'completion')
  mkdirSync(folder)
  for (const [shell, file] of [
    ['bash', 'wharf'],
    ['zsh', '_wharf'],
    ['fish', 'wharf.fish'],
  ] as const) {
    const script = execFileSync(process.execPath, ['--', join(dist, 'wharf.cjs'), 'completion', shell])
    writeFileSync(join(folder, file), script)
  }
}

const half = mkdtempSync(join(dirname(dist), '.dist-'))
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
  await build({
    stdin: { contents: starter('wharfd'), resolveDir: half },
    outfile: join(half, 'wharfd.js'),
    format: 'esm',
    platform: 'node',
    external: ['*'],
    bundle: true,
    logLevel: 'warning',
  })
  await buildCommandLine(half)
  chmodSync(half, 0o755)
  rmSync(dist, { recursive: true, force: true })
  renameSync(half, dist)
  writeCompletions()
} finally {
  rmSync(half, { recursive: true, force: true })
}
