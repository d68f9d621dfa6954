/** A field of a row: a value, or a function that finds it when it is asked for; a method takes arguments. */
export type RowField = string | number | boolean | null | object | ((...args: never[]) => unknown)

/** One line of a list, for templates: a Go struct with methods. `typeName` is what Docker calls it in errors. */
export class Row {
  readonly typeName: string
  readonly #fields: Readonly<Record<string, RowField>>

  constructor(typeName: string, fields: Readonly<Record<string, RowField>>) {
    this.typeName = typeName
    this.#fields = fields
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name)
  }

  get(name: string, args: readonly unknown[] = []): unknown {
    const field = this.#fields[name]
    return typeof field === 'function' ? (field as (...args: unknown[]) => unknown)(...args) : field
  }

  /** How many arguments the field takes when it is a method. */
  arity(name: string): number {
    const field = this.#fields[name]
    return typeof field === 'function' ? field.length : 0
  }

  /** The fields that need no argument, by name in Go's order. */
  toJson(): Record<string, unknown> {
    const names = Object.keys(this.#fields).filter((name) => this.arity(name) === 0)
    return Object.fromEntries(names.toSorted().map((name) => [name, this.get(name)]))
  }
}
