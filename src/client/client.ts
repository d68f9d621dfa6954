import { Builds } from './builds.ts'
import { Containers } from './containers.ts'
import { Execs } from './execs.ts'
import { Images } from './images.ts'
import { Networks } from './networks.ts'
import { System } from './system.ts'
import { Transport } from './transport.ts'
import { parseEndpoint } from './endpoint.ts'
import type { TlsFiles } from './endpoint.ts'
import { Volumes } from './volumes.ts'

/** How to reach a daemon. */
export interface ClientOptions {
  /** As DOCKER_HOST. */
  readonly host: string
  readonly tls?: TlsFiles | null
  /** Pins the API version; without it the daemon serves its newest. */
  readonly apiVersion?: string | null
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A typed client of Docker's Engine API, by noun. Makes no connection before the first call. */
export class Client {
  readonly transport: Transport
  readonly containers: Containers
  readonly execs: Execs
  readonly images: Images
  readonly builds: Builds
  readonly networks: Networks
  readonly volumes: Volumes
  readonly system: System

  constructor(options: ClientOptions) {
    const { apiVersion = null, headers = {} } = options
    this.transport = new Transport(parseEndpoint(options.host, options.tls ?? null), { apiVersion, headers })
    this.containers = new Containers(this.transport)
    this.execs = new Execs(this.transport)
    this.images = new Images(this.transport)
    this.builds = new Builds(this.transport)
    this.networks = new Networks(this.transport)
    this.volumes = new Volumes(this.transport)
    this.system = new System(this.transport)
  }
}
