import { closeSync, readFileSync, statSync, writeSync } from 'node:fs'
import { fcntl, memfdCreate } from './native/files.ts'

const F_ADD_SEALS = 1033
const SEAL_SEAL = 1
const SEAL_SHRINK = 2
const SEAL_GROW = 4
const SEAL_WRITE = 8

interface Copy {
  readonly fd: number
  /** What the file was when it was copied. */
  readonly version: string
}

/**
 * A program in sealed memory (memfd_create(2)), to be executed instead of its file. crun copies itself into such a file at every start,
 * lest a container overwrites it by /proc/self/exe (CVE-2019-5736), and then executes the copy; when it finds itself in one already it
 * goes on. A copy for all starts is as safe: nobody can write to it.
 */
export class SealedProgram {
  readonly #path: string
  #copy: Copy | null = null

  constructor(path: string) {
    this.#path = path
  }

  /** A path of the copy as it is in the file now, for programs that start while this process lives; the file's own when there can be no copy. */
  path(): string {
    try {
      return `/proc/${String(process.pid)}/fd/${String(this.#current().fd)}`
    } catch {
      // vm.memfd_noexec forbids it, or memory is short: the program copies itself, or says why it cannot.
      return this.#path
    }
  }

  #current(): Copy {
    const { dev, ino, size, mtimeMs } = statSync(this.#path)
    const version = [dev, ino, size, mtimeMs].join(' ')
    if (this.#copy?.version === version) return this.#copy
    const fd = seal(this.#path)
    if (this.#copy !== null) closeSync(this.#copy.fd)
    this.#copy = { fd, version }
    return this.#copy
  }
}

function seal(path: string): number {
  const bytes = readFileSync(path)
  const fd = memfdCreate(path)
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
    fcntl(fd, F_ADD_SEALS, SEAL_SEAL | SEAL_SHRINK | SEAL_GROW | SEAL_WRITE)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
