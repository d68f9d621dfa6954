import type { Engine } from './engine.ts'
import { make } from './peers.ts'

/** Imports a Debian root with nginx as the image `nginx`; returns why it is missing where it cannot be made, else false. */
export async function importNginx(engine: Engine): Promise<string | false> {
  const { path, missing } = await make('nginx')
  if (missing !== false) return missing
  await engine.ok('import', '-c', 'CMD ["nginx", "-g", "daemon off;"]', '-c', 'EXPOSE 80', path, 'nginx')
  return false
}
