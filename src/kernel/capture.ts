import { closeSync, readSync } from 'node:fs'
import { pipe2 } from './native/native.ts'
import { spawnProcess, type ProcessExit, type SpawnRequest } from './processes.ts'
import { watchFd } from './readiness.ts'

const O_CLOEXEC = 0o2000000
/** What is kept of an output: a program that prints more is not one that we ask. */
const MAX_BYTES = 16 * 1024 * 1024

/** Runs a program to its end and keeps what it prints, both streams in one. @throws KernelError when it cannot be run */
export async function captureOutput(
  request: Omit<SpawnRequest, 'fds'>,
): Promise<{ readonly exit: ProcessExit; readonly output: string }> {
  const [readFd, writeFd] = pipe2(O_CLOEXEC)
  const chunks: Buffer[] = []
  let size = 0
  try {
    const child = (() => {
      try {
        return spawnProcess({ ...request, fds: new Map([[1, writeFd], [2, writeFd]]) }) // prettier-ignore
      } finally {
        closeSync(writeFd)
      }
    })()
    await new Promise<void>((resolve) => {
      const watch = watchFd(readFd, () => {
        const buffer = Buffer.allocUnsafe(64 * 1024)
        const count = readSync(readFd, buffer)
        size += count
        if (size <= MAX_BYTES) chunks.push(buffer.subarray(0, count))
        if (count > 0) return
        watch.close()
        resolve()
      })
    })
    return { exit: await child.exited, output: Buffer.concat(chunks).toString('utf8') }
  } finally {
    closeSync(readFd)
  }
}
