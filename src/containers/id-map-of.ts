import type { IdMap } from '#base/id-map.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { ContainerDefaults } from './create/defaults.ts'

/** The ids of a container in its user namespace; null when it has the host's. */
export function idMapOf(
  { hostConfig }: { readonly hostConfig: HostConfig },
  { remap }: Pick<ContainerDefaults, 'remap'>,
): IdMap | null {
  return hostConfig.UsernsMode === 'host' ? null : remap
}

/** What a container in a user namespace cannot have. @throws InvalidArgumentError in Docker's words */
export function validateRemapped(host: HostConfig, defaults: Pick<ContainerDefaults, 'remap'>): void {
  if (idMapOf({ hostConfig: host }, defaults) === null) return
  const refuse = (message: string): never => {
    throw new InvalidArgumentError(message)
  }
  if (host.Privileged === true) {
    refuse(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    )
  }
  if (host.NetworkMode === 'host')
    refuse("cannot share the host's network namespace when user namespaces are enabled")
  if (host.PidMode === 'host') refuse('cannot share the host PID namespace when user namespaces are enabled')
}
