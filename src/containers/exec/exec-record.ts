import type { Attachment } from '#runtime/runtime.ts'
import type { ExecCreateRequest } from '#spec/docker/requests.ts'

/** One further process of a container. Execs live as long as the daemon, as Docker's do. */
export interface ExecRecord {
  readonly id: string
  readonly containerId: string
  readonly request: ExecCreateRequest
  state: ExecState
}

export type ExecState =
  | { readonly status: 'created' }
  /** `started` resolves when it runs, or will not. */
  | { readonly status: 'starting'; readonly started: Promise<void> }
  | { readonly status: 'running'; readonly pid: number; readonly attachment: Attachment | null }
  | { readonly status: 'ended'; readonly pid: number; readonly exitCode: number; readonly endedAtMs: number }

/** `GET /exec/{id}/json`. */
export function execView(exec: ExecRecord): object {
  const { request, state } = exec
  const [entrypoint = '', ...args] = request.Cmd ?? []
  return {
    ID: exec.id,
    Running: state.status === 'running',
    ExitCode: state.status === 'ended' ? state.exitCode : null,
    ProcessConfig: {
      tty: request.Tty ?? false,
      entrypoint,
      arguments: args,
      privileged: request.Privileged ?? false,
      ...(request.User ? { user: request.User } : {}),
    },
    OpenStdin: request.AttachStdin ?? false,
    OpenStderr: request.AttachStderr ?? false,
    OpenStdout: request.AttachStdout ?? false,
    CanRemove: state.status === 'ended',
    ContainerID: exec.containerId,
    DetachKeys: '',
    Pid: state.status === 'running' || state.status === 'ended' ? state.pid : 0,
  }
}
