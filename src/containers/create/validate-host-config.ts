import { isIP } from 'node:net'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { ContainerConfig } from '#spec/docker/container-config.ts'
import type { HostConfig, RestartPolicy } from '#spec/docker/host-config.ts'
import { parsePort } from './validate-config.ts'
import { validateSecurity } from './validate-security.ts'

function refuse(message: string): never {
  throw new InvalidArgumentError(message)
}

/** Checks what a container asks of its host, beside limits and mounts. @throws InvalidArgumentError in Docker's words. */
export function validateHostConfig(host: HostConfig, config: ContainerConfig): void {
  validateRestartPolicy(host.RestartPolicy ?? null)
  if (host.AutoRemove === true && !['', 'no'].includes(host.RestartPolicy?.Name ?? '')) {
    refuse(`can't create 'AutoRemove' container with restart policy`)
  }
  for (const entry of host.ExtraHosts ?? []) validateExtraHost(entry)
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    if (parsePort(port).first === 0) refuse(`invalid port specification: ${JSON.stringify(port)}`)
    for (const binding of bindings ?? []) {
      const text = binding.HostPort ?? ''
      if (text !== '' && !isPortRange(text)) refuse(`invalid port specification: ${JSON.stringify(text)}`)
      if ((binding.HostIp ?? '') !== '' && isIP(binding.HostIp ?? '') === 0) {
        refuse(`invalid IP address: ${binding.HostIp}`)
      }
    }
  }
  const score = host.OomScoreAdj ?? 0
  if (score < -1000 || score > 1000)
    refuse(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`)
  if ((host.ShmSize ?? 0) < 0) refuse('SHM size can not be less than 0')
  if ((host.Isolation ?? '') !== '' && host.Isolation !== 'default') {
    refuse(`invalid isolation (${host.Isolation}): linux only supports 'default'`)
  }
  if ((host.Cgroup ?? '') !== '')
    refuse(`invalid option: Cgroup "${host.Cgroup}" is not supported: use CgroupParent`)
  for (const [name, value] of Object.entries(host.Annotations ?? {})) {
    if (name === '') refuse(`invalid Annotations: the empty string is not permitted as an annotation key`)
    if (typeof value !== 'string') refuse(`invalid annotation: the value of "${name}" is not a string`)
  }
  validateModes(host)
  validateNetworkMode(host, config)
  validateSecurity(host)
}

/** @throws InvalidArgumentError in Docker's words. */
export function validateRestartPolicy(policy: RestartPolicy | null): void {
  const name = policy?.Name ?? ''
  const count = policy?.MaximumRetryCount ?? 0
  switch (name) {
    case 'always':
    case 'unless-stopped':
    case 'no':
      if (count !== 0) {
        refuse(
          'invalid restart policy: maximum retry count can only be used with ' +
            `'on-failure'${count < 0 ? ' and cannot be negative' : ''}`,
        )
      }
      return
    case 'on-failure':
      if (count < 0) refuse('invalid restart policy: maximum retry count cannot be negative')
      return
    case '':
      return
    default:
      refuse(
        `invalid restart policy: unknown policy '${name satisfies never}'; ` +
          `use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      )
  }
}

function isPortRange(text: string): boolean {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  return match !== null && Number(match[1]) <= 65535 && Number(match[2] ?? match[1]) <= 65535
}

function validateExtraHost(entry: string): void {
  const separator = /[:=]/.exec(entry)
  if (separator === null || separator.index === 0) refuse(`bad format for add-host: ${JSON.stringify(entry)}`)
  const address = entry.slice(separator.index + 1).replace(/^\[(.*)\]$/, '$1')
  if (address !== 'host-gateway' && isIP(address) === 0) {
    refuse(`invalid IP address in add-host: ${JSON.stringify(address)}`)
  }
}

function validateModes(host: HostConfig): void {
  const container = /^container:.+$/
  const check = (kind: string, value: string, allowed: readonly string[]): void => {
    if (!allowed.includes(value) && !container.test(value)) refuse(`invalid ${kind} mode: ${value}`)
  }
  check('IPC', host.IpcMode ?? '', ['', 'none', 'private', 'shareable', 'host'])
  check('PID', host.PidMode ?? '', ['', 'host'])
  if (!['', 'host'].includes(host.UTSMode ?? '')) refuse(`invalid UTS mode: ${host.UTSMode}`)
  if (!['', 'host'].includes(host.UsernsMode ?? '')) refuse(`invalid user namespace mode: ${host.UsernsMode}`)
  if (!['', 'host', 'private'].includes(host.CgroupnsMode ?? '')) {
    refuse(`invalid cgroup namespace mode: ${host.CgroupnsMode}`)
  }
}

function validateNetworkMode(host: HostConfig, config: ContainerConfig): void {
  const mode = host.NetworkMode ?? ''
  const some = (list: readonly unknown[] | null | undefined): boolean => (list?.length ?? 0) > 0
  const conflict = (what: string): never => refuse(`conflicting options: ${what}`)
  if (mode === 'container' || mode === 'container:')
    refuse('invalid network mode: invalid container format container:<name|id>')
  if (mode.startsWith('container:')) {
    if ((config.Hostname ?? '') !== '') conflict('hostname and the network mode')
    if (some(host.Links)) {
      conflict("container type network can't be used with links. This would result in undefined behavior")
    }
    if (some(host.Dns)) conflict('dns and the network mode')
    if (some(host.ExtraHosts)) conflict('custom host-to-IP mapping and the network mode')
    if (Object.keys(host.PortBindings ?? {}).length > 0 || host.PublishAllPorts === true) {
      conflict('port publishing and the container type network mode')
    }
    if (Object.keys(config.ExposedPorts ?? {}).length > 0) {
      conflict('port exposing and the container type network mode')
    }
  }
  if (mode === 'host' && some(host.Links)) {
    conflict("host type networking can't be used with links. This would result in undefined behavior")
  }
  if (host.UTSMode === 'host' && (config.Hostname ?? '') !== '') conflict('hostname and the UTS mode')
  if (mode === 'host') {
    for (const name of Object.keys(host.Sysctls ?? {})) {
      if (name.startsWith('net.')) refuse(`sysctl '${name}' not allowed in host network namespace`)
    }
  }
}
