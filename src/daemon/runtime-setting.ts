import { InvalidArgumentError } from '#errors/errors.ts'

/** An entry of `runtimes` in daemon.json, as it is written. */
export interface RuntimeSetting {
  readonly path?: string
  readonly runtimeArgs?: readonly string[]
  readonly runtimeType?: string
  readonly options?: Readonly<Record<string, unknown>>
}

/** containerd's shims that run an OCI runtime, which is what is used here, and the runtime of each. */
const SHIMS: Readonly<Record<string, string>> = {
  'io.containerd.runc.v1': 'runc',
  'io.containerd.runc.v2': 'runc',
  'io.containerd.runsc.v1': 'runsc',
}

/**
 * The program and the arguments of a runtime. A containerd shim stands for the runtime that it runs.
 * @throws InvalidArgumentError in Docker's words, or for an option that means nothing without containerd
 */
export function parseRuntimeSetting(
  name: string,
  setting: RuntimeSetting,
): { readonly path: string; readonly args: readonly string[] } {
  const { path = '', runtimeArgs = [], runtimeType = '', options = {} } = setting
  const refuse = (why: string): never => {
    throw new InvalidArgumentError(`runtime ${name}: ${why}`)
  }
  if (path === '' && runtimeType === '') refuse('either a runtimeType or a path must be configured')
  if (path !== '') {
    if (runtimeType !== '') refuse('cannot configure both path and runtimeType for the same runtime')
    if (Object.keys(options).length > 0) refuse('options cannot be used with a path runtime')
    return { path, args: runtimeArgs }
  }
  if (runtimeArgs.length > 0) refuse('args cannot be used with a runtimeType runtime')
  const program = SHIMS[runtimeType]
  if (program === undefined)
    return refuse(
      `runtimeType ${runtimeType} is not supported: it is one of ${Object.keys(SHIMS).join(', ')}`,
    )
  const { BinaryName, SystemdCgroup, TypeUrl: _, ...others } = options
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) refuse(`option ${unknown} is not supported: BinaryName and SystemdCgroup are`)
  return {
    path: typeof BinaryName === 'string' && BinaryName !== '' ? BinaryName : program,
    args: SystemdCgroup === true ? ['--systemd-cgroup'] : [],
  }
}
