/** The parts of an expression. `text` is the part as Go prints it in errors. */
export type Expression =
  | { readonly kind: 'dot'; readonly at: number; readonly text: string }
  | { readonly kind: 'nil'; readonly at: number; readonly text: string }
  | {
      readonly kind: 'literal'
      readonly value: string | number | boolean
      readonly at: number
      readonly text: string
    }
  | {
      readonly kind: 'field'
      readonly base: Expression | null
      readonly names: readonly string[]
      readonly at: number
      readonly text: string
    }
  | {
      readonly kind: 'variable'
      readonly name: string
      readonly names: readonly string[]
      readonly at: number
      readonly text: string
    }
  | { readonly kind: 'function'; readonly name: string; readonly at: number; readonly text: string }
  | { readonly kind: 'pipeline'; readonly pipe: Pipeline; readonly at: number; readonly text: string }

/** A value, function or method with its arguments. */
export interface Call {
  readonly parts: readonly Expression[]
  readonly at: number
}

/** `$x := a | b c`. */
export interface Pipeline {
  readonly variables: readonly string[]
  readonly isAssignment: boolean
  readonly calls: readonly Call[]
  readonly at: number
}

/** A block with a condition or a list. */
export interface Block {
  readonly kind: 'if' | 'with' | 'range'
  readonly pipe: Pipeline
  readonly body: readonly Node[]
  readonly otherwise: readonly Node[]
}

/** The parts of a template. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipeline }
  | Block
  | { readonly kind: 'break' | 'continue' }
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipeline | null; readonly at: number }

/** A template that was read: its own nodes and those that it defines by name. */
export interface Template {
  readonly source: string
  readonly nodes: readonly Node[]
  readonly defined: ReadonlyMap<string, readonly Node[]>
}
