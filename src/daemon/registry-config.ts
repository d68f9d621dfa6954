import type { RegistryConfig } from '#registry/registry-config.ts'
import type { IndexInfo, RegistryServiceConfig } from '#spec/docker/system.ts'
import type { DaemonConfig, ReloadableConfig } from './config.ts'
import { PRODUCT_VERSION } from './version.ts'

/** What the configuration says of registries. */
export function registryConfig(config: DaemonConfig): RegistryConfig {
  return {
    mirrors: new Map(config.registryMirrors.length === 0 ? [] : [['docker.io', config.registryMirrors]]),
    insecureRegistries: config.insecureRegistries,
    certificatesDirectory: '/etc/docker/certs.d',
    proxies: config.proxies,
    maxConcurrentDownloads: config.maxConcurrentDownloads,
    maxConcurrentUploads: config.maxConcurrentUploads,
    maxDownloadAttempts: config.maxDownloadAttempts,
    userAgent: `wharf/${PRODUCT_VERSION} os/linux arch/${process.arch}`,
  }
}

/** `RegistryConfig` of `docker info`. */
export function registryInfo(config: ReloadableConfig): RegistryServiceConfig {
  const isCidr = (text: string): boolean => text.includes('/')
  const index = (name: string, official: boolean): IndexInfo => ({
    Name: name,
    Mirrors: official ? config.registryMirrors : [],
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
    Mirrors: config.registryMirrors.length === 0 ? null : config.registryMirrors,
  }
}
