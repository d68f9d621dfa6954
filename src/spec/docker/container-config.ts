/** What a container runs (ContainerConfig). Engine API 1.56. */

export interface HealthConfig {
  readonly Test?: readonly string[] | null
  readonly Interval?: number | null
  readonly Timeout?: number | null
  readonly Retries?: number | null
  readonly StartPeriod?: number | null
  readonly StartInterval?: number | null
}

export interface ContainerConfig {
  readonly Hostname?: string | null
  readonly Domainname?: string | null
  readonly User?: string | null
  readonly AttachStdin?: boolean | null
  readonly AttachStdout?: boolean | null
  readonly AttachStderr?: boolean | null
  readonly ExposedPorts?: Readonly<Record<string, object>> | null
  readonly Tty?: boolean | null
  readonly OpenStdin?: boolean | null
  readonly StdinOnce?: boolean | null
  readonly Env?: readonly string[] | null
  readonly Cmd?: readonly string[] | null
  readonly Healthcheck?: HealthConfig | null
  readonly ArgsEscaped?: boolean | null
  readonly Image?: string | null
  readonly Volumes?: Readonly<Record<string, object>> | null
  readonly WorkingDir?: string | null
  readonly Entrypoint?: readonly string[] | null
  readonly NetworkDisabled?: boolean | null
  readonly OnBuild?: readonly string[] | null
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly StopSignal?: string | null
  readonly StopTimeout?: number | null
  readonly Shell?: readonly string[] | null
}

export interface ImageConfig {
  readonly User?: string | null
  readonly ExposedPorts?: Readonly<Record<string, object>> | null
  readonly Env?: readonly string[] | null
  readonly Cmd?: readonly string[] | null
  readonly Healthcheck?: HealthConfig | null
  readonly ArgsEscaped?: boolean | null
  readonly Volumes?: Readonly<Record<string, object>> | null
  readonly WorkingDir?: string | null
  readonly Entrypoint?: readonly string[] | null
  readonly OnBuild?: readonly string[] | null
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly StopSignal?: string | null
  readonly Shell?: readonly string[] | null
}
