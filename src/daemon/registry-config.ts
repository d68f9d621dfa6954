import type { RegistryConfig } from '#registry/registry-config.ts'
import type { IndexInfo, RegistryServiceConfig } from '#spec/docker/system.ts'
import type { DaemonConfig, ReloadableConfig } from './config.ts'
import { PRODUCT_VERSION } from './version.ts'

/** What the configuration says of registries. */
export function registryConfig(config: DaemonConfig): RegistryConfig {
  return {
    mirrors: mirrorsOf(config.registryMirrors),
    insecureRegistries: config.insecureRegistries,
    certificatesDirectory: '/etc/docker/certs.d',
    proxies: config.proxies,
    maxConcurrentDownloads: config.maxConcurrentDownloads,
    maxConcurrentUploads: config.maxConcurrentUploads,
    maxDownloadAttempts: config.maxDownloadAttempts,
    userAgent: `wharf/${PRODUCT_VERSION} os/linux arch/${process.arch}`,
  }
}

/** `registry-mirrors`: a URL is a mirror of docker.io, as in Docker; `host=URL` is one of any other registry. */
function mirrorsOf(entries: readonly string[]): Map<string, string[]> {
  const mirrors = new Map<string, string[]>()
  for (const entry of entries) {
    const [, host = 'docker.io', url = entry] = /^([^/=]+)=(.+)$/.exec(entry) ?? []
    // With a slash at its end, as dockerd shows it.
    mirrors.set(host, [...(mirrors.get(host) ?? []), url.replace(/\/*$/, '/')])
  }
  return mirrors
}

/** `RegistryConfig` of `docker info`. */
export function registryInfo(config: ReloadableConfig): RegistryServiceConfig {
  const mirrors = mirrorsOf(config.registryMirrors)
  const isCidr = (text: string): boolean => text.includes('/')
  const index = (name: string, official: boolean): IndexInfo => ({
    Name: name,
    Mirrors: mirrors.get(name) ?? [],
    Secure: official,
    Official: official,
  })
  const insecure = config.insecureRegistries.filter((host) => !isCidr(host))
  return {
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', ...config.insecureRegistries.filter(isCidr)],
    IndexConfigs: {
      'docker.io': index('docker.io', true),
      ...Object.fromEntries(insecure.map((host) => [host, index(host, false)])),
    },
    Mirrors: mirrors.get('docker.io') ?? null,
  }
}
