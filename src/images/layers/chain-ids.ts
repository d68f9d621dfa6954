import { type Digest, digestOf } from '#base/digest.ts'

/** The chain ids of a stack of layers (OCI image-spec, config.md, "Layer ChainID"). */
export function chainIdsOf(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return chain
}
