import { InvalidArgumentError, UnavailableError } from '#errors/errors.ts'
import { parseBool } from '../go-values.ts'
import { ATTRIBUTE_OPTIONS } from '../log-driver.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'
import { askCloud } from './cloud-request.ts'
import { GoogleIdentity } from './google-identity.ts'

const OPTIONS = [
  ...ATTRIBUTE_OPTIONS,
  'gcp-project',
  'gcp-log-cmd',
  'gcp-meta-zone',
  'gcp-meta-name',
  'gcp-meta-id',
  // Not Docker's: where the service is, for proxies and for tests.
  'gcp-endpoint',
]
const ENDPOINT = 'https://logging.googleapis.com'
const LOG_ID = 'gcplogs-docker-driver'
/** An entry may have 256 KiB with all that is around its message. */
const MESSAGE_BYTES = 250 * 1024

/** Google Cloud Logging, by its REST interface (v2, `entries:write`). */
export const gcplogsDriver: LogDriver = {
  name: 'gcplogs',
  check(options) {
    const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
    if (unknown !== undefined) {
      throw new InvalidArgumentError(
        `${JSON.stringify(unknown)} is not a valid option for the gcplogs driver`,
      )
    }
  },
  checkStart(options) {
    endpointOf(options)
    if (options['gcp-log-cmd'] !== undefined) parseBool(options['gcp-log-cmd'])
  },
  open(options, source) {
    return new GcpLogsSink(options, source)
  },
}

function endpointOf(options: LogOptions): URL {
  const url = URL.parse('/v2/entries:write', options['gcp-endpoint'] || ENDPOINT)
  if (url === null) throw new InvalidArgumentError(`gcp-endpoint is no URL: ${options['gcp-endpoint'] ?? ''}`)
  return url
}

/** What is said beside the entries, once it is known. */
interface Place {
  readonly project: string
  readonly resource: { readonly type: string; readonly labels: Readonly<Record<string, string>> }
  readonly instance: Readonly<Record<string, string>> | null
}

class GcpLogsSink implements LogSink {
  readonly #options: LogOptions
  readonly #source: LogSource
  readonly #identity: GoogleIdentity
  readonly #container: object
  #place: Place | null = null

  constructor(options: LogOptions, source: LogSource) {
    this.#options = options
    this.#source = source
    this.#identity = new GoogleIdentity(source.environment)
    this.#container = {
      id: source.containerId,
      name: source.containerName,
      imageName: source.imageName,
      imageId: source.imageId,
      created: source.createdAt,
      ...(parseBool(options['gcp-log-cmd'] ?? 'false') ? { command: source.command } : {}),
      ...(Object.keys(source.attributes).length === 0 ? {} : { metadata: source.attributes }),
      ...(source.hasTag ? { tag: source.tag } : {}),
    }
  }

  async send(messages: readonly LogMessage[]): Promise<void> {
    this.#place ??= await this.#findPlace()
    const { project, resource } = this.#place
    const seen = new Map<string, number>()
    const entries = messages.map((message) => this.#entry(message, seen))
    const body = { logName: `projects/${project}/logs/${LOG_ID}`, resource, entries }
    const { status, text } = await askCloud(endpointOf(this.#options), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await this.#identity.token()}`,
      },
      body: Buffer.from(JSON.stringify(body)),
    })
    if (status !== 200) {
      throw new UnavailableError(`gcplogs: entries:write: status ${String(status)}: ${text.slice(0, 200)}`)
    }
  }

  async close(): Promise<void> {}

  #entry(message: LogMessage, seen: Map<string, number>): object {
    const count = (seen.get(message.time) ?? 0) + 1
    seen.set(message.time, count)
    const { instance } = this.#place ?? { instance: null }
    return {
      timestamp: message.time,
      // The service keeps one of those that have the same time and id: what is sent twice is there once.
      insertId: `${this.#source.containerId.slice(0, 24)}-${message.stream}-${String(count)}`,
      jsonPayload: {
        ...(instance === null ? {} : { instance }),
        container: this.#container,
        message: message.content.toString('utf8', 0, MESSAGE_BYTES),
      },
    }
  }

  /** On a machine of Google's, the machine; else what the options say. */
  async #findPlace(): Promise<Place> {
    const options = this.#options
    const machine = await this.#machine()
    const project = options['gcp-project'] || machine?.project || (await this.#identity.project())
    if (project === '') {
      throw new UnavailableError(
        "no project was specified and couldn't read project from the metadata server. Please specify a project",
      )
    }
    const named = {
      zone: options['gcp-meta-zone'] ?? machine?.zone ?? '',
      name: options['gcp-meta-name'] ?? machine?.name ?? '',
      id: options['gcp-meta-id'] ?? machine?.id ?? '',
    }
    const instance = Object.values(named).some((text) => text !== '') ? named : null
    const resource =
      machine === null
        ? { type: 'global', labels: { project_id: project } }
        : {
            type: 'gce_instance',
            labels: { project_id: project, instance_id: named.id, zone: named.zone },
          }
    return { project, resource, instance }
  }

  async #machine(): Promise<{ project: string; zone: string; name: string; id: string } | null> {
    if (this.#source.environment['GOOGLE_APPLICATION_CREDENTIALS'] && this.#options['gcp-project'])
      return null
    const ask = (path: string): Promise<string> => this.#identity.metadata(path)
    try {
      const [project, zone, name, id] = await Promise.all([
        ask('project/project-id'),
        ask('instance/zone'),
        ask('instance/name'),
        ask('instance/id'),
      ])
      return { project, zone: zone.slice(zone.lastIndexOf('/') + 1), name, id }
    } catch {
      return null
    }
  }
}
