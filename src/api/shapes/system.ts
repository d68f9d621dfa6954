import type { EventMessage, SystemInfo } from '#spec/docker/system.ts'
import type { VersionFacts } from '../backends.ts'
import { NEWEST_VERSION, OLDEST_VERSION, versionText } from '../http/versions.ts'
import type { ApiVersion } from '../http/versions.ts'

/** `GET /version`. */
export function shapeVersion(facts: VersionFacts): object {
  const engine = {
    ApiVersion: versionText(NEWEST_VERSION),
    Arch: facts.arch,
    BuildTime: facts.buildTime,
    Experimental: String(facts.experimental),
    GitCommit: facts.gitCommit,
    // Clients print it as "Go version"; what runs this engine is told there.
    GoVersion: `node${process.version.slice(1)}`,
    KernelVersion: facts.kernelVersion,
    MinAPIVersion: versionText(OLDEST_VERSION),
    Os: 'linux',
  }
  return {
    Platform: { Name: `Wharf ${facts.version}` },
    Components: [{ Name: 'Engine', Version: facts.version, Details: engine }, ...facts.components],
    Version: facts.version,
    ApiVersion: engine.ApiVersion,
    MinAPIVersion: engine.MinAPIVersion,
    GitCommit: engine.GitCommit,
    GoVersion: engine.GoVersion,
    Os: engine.Os,
    Arch: engine.Arch,
    KernelVersion: engine.KernelVersion,
    ...(facts.experimental && { Experimental: true }),
    BuildTime: facts.buildTime,
  }
}

/** `GET /info` as a version of the API shows it. */
export function shapeInfo(info: SystemInfo, version: ApiVersion): object {
  const shown: Record<string, unknown> = { ...info }
  if (version < 42) shown['KernelMemory'] = info.CgroupVersion === '1'
  if (version < 52) shown['KernelMemoryTCP'] = info.CgroupVersion === '1'
  if (version < 47) {
    const nowhere = {
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
    }
    shown['RegistryConfig'] = { ...nowhere, ...info.RegistryConfig }
  }
  if (version < 44) delete shown['CDISpecDirs']
  if (version < 46) delete shown['Containerd']
  if (version < 49) {
    delete shown['FirewallBackend']
    for (const name of ['ContainerdCommit', 'RuncCommit', 'InitCommit'] as const) {
      const { ID } = info[name] ?? {}
      if (ID) shown[name] = { ID, Expected: ID }
    }
  }
  if (version < 50) {
    delete shown['DiscoveredDevices']
    // Not looked at any more: dockerd says false since it stopped to need them.
    shown['BridgeNfIptables'] = false
    shown['BridgeNfIp6tables'] = false
  }
  if (version < 53) delete shown['NRI']
  if (version < 39) {
    shown['SecurityOptions'] = info.SecurityOptions?.map((option) => option.replace(/^name=([^,]*).*$/, '$1'))
  }
  return shown
}

/** An event as a version of the API shows it: until 1.51 containers' and images' events had fields of their own. */
export function shapeEvent(event: EventMessage, version: ApiVersion): object {
  if (version >= 52) return event
  const id = event.Actor?.ID ?? ''
  if (event.Type === 'container') {
    return { status: event.Action, id, from: event.Actor?.Attributes?.['image'] ?? '', ...event }
  }
  return event.Type === 'image' ? { status: event.Action, id, ...event } : event
}
