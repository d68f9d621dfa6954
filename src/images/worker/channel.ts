import type { MessagePort } from 'node:worker_threads'
import {
  BugError,
  DataLossError,
  InvalidArgumentError,
  KernelError,
  NotFoundError,
  errnoOf,
  messageOf,
} from '#errors/errors.ts'

/** What a worker thread can be asked to do; see `jobs.ts`. */
export interface JobStart {
  readonly kind: string
  readonly parameters: unknown
  readonly port: MessagePort
}

/** From the main thread to a job. */
export type ToJob =
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'credit'; readonly bytes: number }
  | { readonly type: 'grown'; readonly writtenBytes: number; readonly ended: boolean }
  | { readonly type: 'abort'; readonly message: string }

/** From a job to the main thread. */
export type FromJob =
  | { readonly type: 'credit'; readonly bytes: number }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'progress'; readonly bytes: number }
  | { readonly type: 'note'; readonly value: unknown }
  | { readonly type: 'done'; readonly value: unknown }
  | { readonly type: 'failed'; readonly error: ErrorRecord }

/** An error as it crosses threads. */
export interface ErrorRecord {
  readonly name: string
  readonly message: string
  readonly syscall: string | null
  readonly errno: string | null
  readonly path: string | null
}

/** How many bytes may be on their way in one direction before the sender waits. */
export const WINDOW_BYTES = 1024 * 1024

export function toErrorRecord(error: unknown): ErrorRecord {
  const syscall =
    error instanceof Error && 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : null
  const path = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : null
  const name = error instanceof Error ? error.name : 'Error'
  return { name, message: messageOf(error), syscall, errno: errnoOf(error), path }
}

export function fromErrorRecord(record: ErrorRecord): Error {
  switch (record.name) {
    case 'InvalidArgumentError':
      return new InvalidArgumentError(record.message)
    case 'NotFoundError':
      return new NotFoundError(record.message)
    case 'DataLossError':
      return new DataLossError(record.message)
    case 'AbortError':
      return new DOMException(record.message, 'AbortError')
    default:
      if (record.errno !== null)
        return new KernelError(record.syscall ?? 'system call', record.errno, { path: record.path })
      return new BugError(record.message)
  }
}
