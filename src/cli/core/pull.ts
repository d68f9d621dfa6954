import type { Client } from '#client/client.ts'
import { authHeaderFor } from '../registry/credentials.ts'
import type { Context } from './context.ts'
import { showProgress, silence } from './progress.ts'
import type { Sink } from './progress.ts'
import { parseName } from './reference.ts'

/** What to pull and how to tell. */
export interface PullOptions {
  readonly client: Client
  readonly image: string
  readonly platform: string
  readonly quiet: boolean
  readonly out: Sink
}

/** Pulls one image, with the credentials of its registry. */
export async function pullImage(
  context: Context,
  { client, image, platform, quiet, out }: PullOptions,
): Promise<void> {
  const { name, tag, digest } = parseName(image)
  const auth = await authHeaderFor(context.config, name)
  const messages = await client.images.pull({
    image: name,
    tag: digest ?? tag ?? 'latest',
    platform: platform || undefined,
    auth,
  })
  await showProgress(quiet ? silence : out, messages)
}
