import type { ExecCreateRequest, ExecStartRequest } from '#spec/docker/requests.ts'
import type { ApiVersion } from '../http/versions.ts'
import { decode, fields, strings } from './schema.ts'

type Draft<T> = { -readonly [Key in keyof T]: T[Key] }

/** Reads the body of `POST /containers/{id}/exec`. */
export function readExecCreate(body: Record<string, unknown>, version: ApiVersion): ExecCreateRequest {
  const request = decode<Draft<ExecCreateRequest>>(
    {
      object: {
        ...fields('boolean', 'AttachStdin', 'AttachStdout', 'AttachStderr', 'Tty', 'Privileged'),
        ...fields('string', 'DetachKeys', 'User', 'WorkingDir'),
        ConsoleSize: { list: 'integer' },
        Env: strings,
        Cmd: 'words',
      },
    },
    body,
  )
  if (version < 42) delete request.ConsoleSize
  return request
}

/** Reads the body of `POST /exec/{id}/start`. */
export function readExecStart(body: Record<string, unknown>, version: ApiVersion): ExecStartRequest {
  const request = decode<Draft<ExecStartRequest>>(
    { object: { ...fields('boolean', 'Detach', 'Tty'), ConsoleSize: { list: 'integer' } } },
    body,
  )
  if (version < 42) delete request.ConsoleSize
  return request
}
