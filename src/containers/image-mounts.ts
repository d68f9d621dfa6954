import { createHash } from 'node:crypto'

/** The id of the snapshot behind a mount of type image: `<container id>-<hash of the destination>`. */
export function imageMountId(containerId: string, destination: string): string {
  return `${containerId}-${createHash('sha256').update(destination).digest('hex').slice(0, 12)}`
}
