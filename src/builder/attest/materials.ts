/** Something from outside that a build was made of. */
export interface Material {
  readonly uri: string
  /** By algorithm, hexadecimal. */
  readonly digest: Readonly<Record<string, string>>
}

/** What a build was made of, gathered while it runs; each thing once. */
export class Materials {
  readonly #found = new Map<string, Material>()

  add(material: Material): void {
    this.#found.set(material.uri, material)
  }

  /** In the order of their names, which does not depend on what was faster. */
  list(): readonly Material[] {
    return [...this.#found.values()].toSorted((a, b) => (a.uri < b.uri ? -1 : 1))
  }
}
