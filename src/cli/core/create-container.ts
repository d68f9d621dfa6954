import { existsSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import type { Client } from '#client/client.ts'
import { DaemonError } from '#client/transport.ts'
import type { ContainerCreateRequest } from '#spec/docker/requests.ts'
import type { Context } from './context.ts'
import { ExitError } from './exit.ts'
import { pullImage } from './pull.ts'
import { parseName } from './reference.ts'

/** How a container is made. */
export interface CreateOptions {
  readonly client: Client
  readonly request: ContainerCreateRequest
  readonly name: string
  readonly platform: string
  /** `always`, `missing` or `never`. */
  readonly pull: string
  readonly quiet: boolean
  readonly cidfile: string
}

/** Makes a container, pulling its image first when that is wanted or needed. @returns its id. */
export async function createContainer(context: Context, options: CreateOptions): Promise<string> {
  const { client, request, cidfile, pull } = options
  if (!['always', 'missing', 'never', ''].includes(pull)) {
    throw new ExitError(
      125,
      `invalid pull option: '${pull}': must be one of "always", "missing" or "never"`,
      { withHint: true },
    )
  }
  checkImage(request.Image ?? '')
  if (cidfile !== '' && existsSync(cidfile)) {
    throw new ExitError(
      125,
      `container ID file found, make sure the other container isn't running or delete ${cidfile}`,
      { withHint: true },
    )
  }
  if (cidfile !== '') writeCid(cidfile, '')
  try {
    const id = await create(context, options)
    if (cidfile !== '') writeCid(cidfile, id)
    return id
  } finally {
    checkImage(request.Image ?? '')
    if (cidfile !== '' && existsSync(cidfile) && statSync(cidfile).size === 0) unlinkSync(cidfile)
  }

  async function create(_context: Context, { name, platform, quiet }: CreateOptions): Promise<string> {
    const image = request.Image ?? ''
    const fetch = () => pullImage(context, { client, image, platform, quiet, out: context.err })
    if (pull === 'always') await fetch()
    const post = () =>
      client.containers.create(request, { name: name || undefined, platform: platform || undefined })
    let response
    try {
      response = await post()
    } catch (error) {
      if (pull !== 'missing' || !isMissingImage(error)) throw error
      if (!quiet) context.err.line(`Unable to find image '${withTag(image)}' locally`)
      await fetch()
      response = await post()
    }
    for (const warning of response.Warnings ?? []) context.err.line(`WARNING: ${warning}`)
    return response.Id
  }
}

function writeCid(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new ExitError(
      125,
      `failed to create the container ID file: ${error instanceof Error ? error.message : path}`,
      { withHint: true },
    )
  }
}

const isMissingImage = (error: unknown): boolean =>
  error instanceof DaemonError && error.status === 404 && /no such image/i.test(error.message)

function withTag(image: string): string {
  const { name, tag, digest } = parseName(image)
  if (digest !== null) return `${name}@${digest}`
  return `${name}:${tag ?? 'latest'}`
}

function checkImage(image: string): void {
  if (/^(?:sha256:)?[a-f0-9]{64}$/.test(image)) return
  try {
    parseName(image)
  } catch (error) {
    throw new ExitError(125, error instanceof Error ? error.message : String(error), { withHint: true })
  }
}
