import type { ContainerConfig } from './container-config.ts'
import type { HostConfig } from './host-config.ts'
import type { IPAM, NetworkingConfig, ConfigReference } from './network.ts'

/** Bodies of requests that are not definitions of their own in the specification. Engine API 1.56. */

/** `POST /containers/create`. */
export interface ContainerCreateRequest extends ContainerConfig {
  readonly HostConfig?: HostConfig | null
  readonly NetworkingConfig?: NetworkingConfig | null
}

/** `POST /containers/{id}/exec`. */
export interface ExecCreateRequest {
  readonly AttachStdin?: boolean | null
  readonly AttachStdout?: boolean | null
  readonly AttachStderr?: boolean | null
  readonly ConsoleSize?: readonly number[] | null
  readonly DetachKeys?: string | null
  readonly Tty?: boolean | null
  readonly Env?: readonly string[] | null
  readonly Cmd?: readonly string[] | null
  readonly Privileged?: boolean | null
  readonly User?: string | null
  readonly WorkingDir?: string | null
}

/** `POST /exec/{id}/start`. */
export interface ExecStartRequest {
  readonly Detach?: boolean | null
  readonly Tty?: boolean | null
  readonly ConsoleSize?: readonly number[] | null
}

/** `POST /networks/create`. */
export interface NetworkCreateRequest {
  readonly Name: string
  readonly Driver?: string | null
  readonly Scope?: string | null
  readonly Internal?: boolean | null
  readonly Attachable?: boolean | null
  readonly Ingress?: boolean | null
  readonly ConfigOnly?: boolean | null
  readonly ConfigFrom?: ConfigReference | null
  readonly IPAM?: IPAM | null
  readonly EnableIPv4?: boolean | null
  readonly EnableIPv6?: boolean | null
  readonly Options?: Readonly<Record<string, string>> | null
  readonly Labels?: Readonly<Record<string, string>> | null
  /** Sent by old clients; names are unique in Wharf in any case. */
  readonly CheckDuplicate?: boolean | null
}
