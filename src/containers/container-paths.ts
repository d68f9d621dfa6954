import { join } from 'node:path'

/** The files of one container below the directory of containers. */
export interface ContainerPaths {
  readonly directory: string
  readonly hostname: string
  readonly hosts: string
  readonly resolvConf: string
  /** What conmon writes: the spool that log drivers are fed from. */
  readonly spool: string
  /** Docker's json-file. */
  readonly jsonLog: string
  /** The log that `docker logs` reads when the driver sends it elsewhere. */
  readonly cachedLog: string
  /** A shared /dev/shm, when others may join. */
  readonly shm: string
}

/** Where the files of a container are. */
export function containerPaths(containersDirectory: string, id: string): ContainerPaths {
  const directory = join(containersDirectory, id)
  return {
    directory,
    hostname: join(directory, 'hostname'),
    hosts: join(directory, 'hosts'),
    resolvConf: join(directory, 'resolv.conf'),
    spool: join(directory, 'container.log'),
    jsonLog: join(directory, `${id}-json.log`),
    cachedLog: join(directory, 'container-cached.log'),
    shm: join(directory, 'shm'),
  }
}
