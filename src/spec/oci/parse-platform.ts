import { InvalidArgumentError } from '#errors/errors.ts'
import { normalisePlatform, type PlatformWish } from './platform.ts'

/** Operating systems and architectures that one word alone may name: Go's (`go tool dist list`), old ones too. */
const SYSTEMS = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  ),
)
const ARCHITECTURES = new Set(
  (
    '386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64 ' +
    'ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm'
  ).split(' '),
)
const OS_PART = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/
const PART = /^[A-Za-z0-9_.-]+$/

/**
 * Reads `linux/arm64/v8`, `linux/amd64`, or one word that names a system or an architecture.
 * @throws InvalidArgumentError in the words of containerd's parser, which dockerd passes on.
 */
export function parsePlatform(text: string): PlatformWish {
  const refuse = (why: string): never => {
    throw new InvalidArgumentError(`${why}: invalid argument`)
  }
  const quoted = JSON.stringify(text)
  if (text.includes('*')) refuse(`${quoted}: wildcards not yet supported`)
  const parts = text.split('/')
  for (const [index, part] of parts.entries()) {
    const [kind, name, rule] =
      index === 0
        ? ['OS component', 'OSAndVersion specifier', OS_PART]
        : ['component', 'platform specifier', PART]
    if (rule.test(part)) continue
    const pattern = JSON.stringify(rule.source)
    refuse(
      `${JSON.stringify(part)} is an invalid ${kind} of ${quoted}: ${name} component must match ${pattern}`,
    )
  }
  const [os = '', architecture, variant] = parts.map((part) => part.toLowerCase())
  if (parts.length > 3) refuse(`${quoted}: cannot parse platform specifier`)
  if (architecture !== undefined) return { os: systemOf(os), architecture, variant }
  if (SYSTEMS.has(systemOf(os))) return { os: systemOf(os) }
  const known = normalisePlatform({ os: 'linux', architecture: os }).architecture ?? ''
  return ARCHITECTURES.has(known)
    ? { os: 'linux', architecture: os }
    : refuse(`${quoted}: unknown operating system or architecture`)
}

function systemOf(os: string): string {
  return os === 'macos' ? 'darwin' : os
}
