import { writeFileSync } from 'node:fs'
import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'

/** Writes a parameter of the network (in the namespace that the thread is in); absent ones (no IPv6) are passed over. */
export function sysctl(path: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/net/${path}`, value)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

/**
 * Reads the driver option com.docker.network.endpoint.sysctls, `net.ipv4.conf.IFNAME.log_martians=1,…`, into paths below /proc/sys/net.
 * The stock CLI makes it lower case.
 * @throws InvalidArgumentError for what is not a parameter of this one interface.
 */
export function endpointSysctls(
  settings: EndpointSettings,
  ifname: string,
): (readonly [path: string, value: string])[] {
  const text = settings.DriverOpts?.['com.docker.network.endpoint.sysctls'] ?? ''
  return text
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const match = /^net\.(ipv4|ipv6|mpls)\.(conf|neigh)\.IFNAME\.([a-z0-9_]+)=(.*)$/i.exec(entry)
      if (match === null) throw new InvalidArgumentError(`invalid endpoint sysctl: ${entry}`)
      const [, family = '', group = '', name = '', value = ''] = match
      return [`${family}/${group}/${ifname}/${name}`, value]
    })
}
