import type { IdMapping } from '#base/id-map.ts'
import type { NamespaceChoice, NamespaceChoices } from '../runtime.ts'
import type { OciIdMapping, OciNamespace } from './oci-spec.ts'

/**
 * The namespaces of a container in OCI's form: those of the host are left out, joined ones have a path.
 * @param options.time a private one for clocks, for containers with processes of their own; nobody can choose, as in Docker 29.5
 */
export function ociNamespaces(
  choices: NamespaceChoices,
  options: { readonly time: boolean },
): readonly OciNamespace[] {
  return [
    { type: 'mount' },
    ...choose('network', choices.network),
    ...choose('uts', choices.uts),
    ...choose('pid', choices.pid),
    ...choose('ipc', choices.ipc),
    ...choose('cgroup', choices.cgroup),
    // Beside processes of others their clocks count. And crun 1.28 cannot: it fails to join a pid namespace then (EINVAL), and makes
    // a new one where the host's is asked for.
    ...(options.time && choices.pid.kind === 'private' ? [{ type: 'time' } as const] : []),
    ...(choices.user === null ? [] : [userNamespace(choices.user.path)]),
  ]
}

function userNamespace(path: string | null): OciNamespace {
  return path === null ? { type: 'user' } : { type: 'user', path }
}

function choose(type: OciNamespace['type'], choice: NamespaceChoice): readonly OciNamespace[] {
  if (choice.kind === 'host') return []
  return choice.kind === 'private' ? [{ type }] : [{ type, path: choice.path }]
}

export function ociIdMappings(mappings: readonly IdMapping[]): readonly OciIdMapping[] {
  return mappings.map(({ containerId, hostId, size }) => ({ containerID: containerId, hostID: hostId, size }))
}
