import { arch } from 'node:process'
import type { OciDescriptor, OciPlatform } from './image.ts'

/** A platform as a user asks for it: parts that are missing match anything. */
export interface PlatformWish {
  readonly os: string
  readonly architecture?: string | undefined
  readonly variant?: string | undefined
}

const NODE_ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: '386',
}

/** The platform this process runs on, in OCI's words. */
export function hostPlatform(): OciPlatform {
  const architecture = NODE_ARCHITECTURES[arch] ?? arch
  return architecture === 'arm64'
    ? { os: 'linux', architecture, variant: 'v8' }
    : { os: 'linux', architecture }
}

/** One spelling for each platform: `aarch64` is arm64, arm64's v8 and arm's v7 are what no variant means. */
export function normalisePlatform(wish: PlatformWish): PlatformWish {
  const os = wish.os.toLowerCase()
  const architecture = wish.architecture?.toLowerCase()
  const variant = wish.variant?.toLowerCase() || undefined
  switch (architecture) {
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return { os, architecture: 'amd64', variant: variant === 'v1' ? undefined : variant }
    case 'i386':
      return { os, architecture: '386', variant: undefined }
    case 'aarch64':
    case 'arm64':
      return { os, architecture: 'arm64', variant: variant === 'v8' || variant === '8' ? undefined : variant }
    case 'armhf':
      return { os, architecture: 'arm', variant: 'v7' }
    case 'armel':
      return { os, architecture: 'arm', variant: 'v6' }
    case 'arm':
      return { os, architecture, variant: variant === undefined ? 'v7' : variant.replace(/^(\d)$/, 'v$1') }
    default:
      return { os, architecture, variant }
  }
}

/** `linux/arm64/v8`, of the parts there are. */
export function platformText(platform: PlatformWish): string {
  return [platform.os, platform.architecture, platform.variant]
    .filter((part) => part !== undefined && part !== '')
    .join('/')
}

/** Tells whether what there is satisfies what was asked for. */
export function matchesPlatform(wish: PlatformWish, offered: PlatformWish): boolean {
  const [wanted, given] = [normalisePlatform(wish), normalisePlatform(offered)]
  if (wanted.os !== given.os) return false
  if (wanted.architecture === undefined) return true
  return wanted.architecture === given.architecture && variantRank(wanted, given) !== null
}

/** 0 for the variant itself, more for older ones that run on it too, null for what does not run. */
function variantRank(wanted: PlatformWish, given: PlatformWish): number | null {
  if (wanted.variant === given.variant) return 0
  const order =
    wanted.architecture === 'arm'
      ? ['v8', 'v7', 'v6', 'v5']
      : wanted.architecture === 'amd64'
        ? ['v4', 'v3', 'v2', undefined]
        : []
  const [from, to] = [order.indexOf(wanted.variant), order.indexOf(given.variant)]
  if (from !== -1 && to > from) return to - from
  // An unknown variant runs what is made for every machine of its architecture.
  return given.variant === undefined ? order.length + 1 : null
}

/** The manifest of an index that suits best, or null. Entries without a platform count for nothing but alone. */
export function choosePlatform(entries: readonly OciDescriptor[], wish: PlatformWish): OciDescriptor | null {
  const wanted = normalisePlatform(wish)
  let best: { readonly entry: OciDescriptor; readonly rank: number } | null = null
  for (const entry of entries) {
    if (entry.platform === undefined || !matchesPlatform(wanted, entry.platform)) continue
    const rank = variantRank(wanted, normalisePlatform(entry.platform)) ?? Infinity
    if (best === null || rank < best.rank) best = { entry, rank }
  }
  if (best !== null) return best.entry
  const only = entries[0]
  return entries.length === 1 && only?.platform === undefined ? (only ?? null) : null
}
