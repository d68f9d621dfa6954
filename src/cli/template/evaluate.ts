import { functions, isTrue } from './functions.ts'
import type { TemplateFunction } from './functions.ts'
import { goPrint, goType } from './go-print.ts'
import { position, TemplateError } from './lexer.ts'
import type { Block, Call, Expression, Node, Pipeline, Template } from './nodes.ts'
import { parseTemplate } from './parser.ts'
import { Row } from './row.ts'

/** How a template runs. */
export interface EvaluateOptions {
  readonly functions?: Readonly<Record<string, TemplateFunction>>
  /** A key that a map lacks is an error, as in `inspect`; otherwise it prints `<no value>`. */
  readonly strictKeys?: boolean
}

/** Reads a template with Docker's functions. @throws TemplateError. */
export function compileTemplate(source: string): Template {
  return parseTemplate(source, new Set(Object.keys(functions)))
}

/** Runs a template on a value. @throws TemplateError in Go's words. */
export function evaluateTemplate(template: Template, data: unknown, options: EvaluateOptions = {}): string {
  const run = new Evaluation(template, options)
  run.list(template.nodes, { dot: data, variables: Variables.root(data) })
  return run.text
}

type Scope = { readonly dot: unknown; readonly variables: Variables }
type Signal = 'break' | 'continue' | null
/** No argument was piped into a call: not the same as a piped nil. */
const nothing = Symbol('nothing')

/** The variables of a block: what it declares ends with it, what it assigns to may be a block's around it. */
class Variables {
  readonly #own = new Map<string, unknown>()
  readonly #outer: Variables | null

  constructor(outer: Variables | null) {
    this.#outer = outer
  }

  static root(data: unknown): Variables {
    const variables = new Variables(null)
    variables.declare('$', data)
    return variables
  }

  get(name: string): unknown {
    return this.#own.has(name) ? this.#own.get(name) : this.#outer?.get(name)
  }

  declare(name: string, value: unknown): void {
    this.#own.set(name, value)
  }

  assign(name: string, value: unknown): void {
    if (this.#own.has(name) || this.#outer === null) this.#own.set(name, value)
    else this.#outer.assign(name, value)
  }
}

class Evaluation {
  text = ''
  readonly #template: Template
  readonly #functions: Readonly<Record<string, TemplateFunction>>
  readonly #strict: boolean
  #depth = 0

  constructor(template: Template, options: EvaluateOptions) {
    this.#template = template
    this.#functions = options.functions ?? functions
    this.#strict = options.strictKeys ?? false
  }

  list(nodes: readonly Node[], scope: Scope): Signal {
    for (const node of nodes) {
      const signal = this.#node(node, scope)
      if (signal !== null) return signal
    }
    return null
  }

  #node(node: Node, scope: Scope): Signal {
    switch (node.kind) {
      case 'text':
        this.text += node.text
        return null
      case 'action': {
        const value = this.#pipeline(node.pipe, scope)
        if (node.pipe.variables.length === 0) this.text += goPrint(value, '<no value>')
        return null
      }
      case 'if':
      case 'with': {
        const inner = new Variables(scope.variables)
        const value = this.#pipeline(node.pipe, { dot: scope.dot, variables: inner })
        const dot = node.kind === 'with' && isTrue(value) ? value : scope.dot
        const signal = this.list(isTrue(value) ? node.body : node.otherwise, { dot, variables: inner })
        return signal
      }
      case 'range':
        return this.#range(node, scope)
      case 'break':
      case 'continue':
        return node.kind
      case 'template': {
        const nodes = this.#template.defined.get(node.name)
        if (nodes === undefined)
          this.#fail(node.at, {
            text: `template "${node.name}"`,
            message: `template "${node.name}" not defined`,
          })
        const dot = node.pipe === null ? null : this.#pipeline(node.pipe, scope)
        if ((this.#depth += 1) > 1000)
          this.#fail(node.at, { text: node.name, message: 'exceeded maximum template depth (1000)' })
        this.list(nodes, { dot, variables: Variables.root(dot) })
        this.#depth -= 1
        return null
      }
    }
  }

  #range(node: Block, scope: Scope): Signal {
    const inner = new Variables(scope.variables)
    const { variables: names, ...pipe } = node.pipe
    const set = (name: string, value: unknown) =>
      pipe.isAssignment ? inner.assign(name, value) : inner.declare(name, value)
    const value = this.#pipeline({ ...pipe, variables: [] }, { dot: scope.dot, variables: inner })
    const pairs = this.#pairs(value, node.pipe)
    if (pairs.length === 0) return this.list(node.otherwise, { dot: scope.dot, variables: inner })
    for (const [key, item] of pairs) {
      if (names.length === 1) set(names[0] as string, item)
      if (names.length === 2) {
        set(names[0] as string, key)
        set(names[1] as string, item)
      }
      if (this.list(node.body, { dot: item, variables: inner }) === 'break') break
    }
    return null
  }

  #pairs(value: unknown, pipe: Pipeline): (readonly [unknown, unknown])[] {
    if (value === null || value === undefined) return []
    if (Array.isArray(value)) return value.map((item, at) => [at, item] as const)
    if (typeof value === 'number') return Array.from({ length: value }, (_none, at) => [at, at] as const)
    if (typeof value === 'object' && !(value instanceof Row))
      return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const first = pipe.calls[0]?.parts[0]
    return this.#fail(first?.at ?? pipe.at, {
      text: first?.text ?? '',
      message: `range can't iterate over ${goPrint(value)}`,
    })
  }

  #pipeline(pipe: Pipeline, scope: Scope): unknown {
    let value: unknown = nothing
    for (const call of pipe.calls) value = this.#call(call, { scope, piped: value })
    for (const name of pipe.variables) {
      if (pipe.isAssignment) scope.variables.assign(name, value)
      else scope.variables.declare(name, value)
    }
    return value
  }

  #call(call: Call, { scope, piped }: { scope: Scope; piped: unknown }): unknown {
    const [first, ...rest] = call.parts as [Expression, ...Expression[]]
    if (first.kind === 'function') return this.#function(first, { rest, scope, piped })
    const isField = first.kind === 'field' || (first.kind === 'variable' && first.names.length > 0)
    const args = rest.map((part) => this.#operand(part, scope))
    if (piped !== nothing) args.push(piped)
    if (args.length > 0 && !isField)
      this.#fail(first.at, { text: first.text, message: `can't give argument to non-function ${first.text}` })
    return this.#operand(first, scope, args)
  }

  #function(
    node: Extract<Expression, { kind: 'function' }>,
    { rest, scope, piped }: { rest: readonly Expression[]; scope: Scope; piped: unknown },
  ): unknown {
    if (node.name === 'and' || node.name === 'or') {
      const wanted = node.name === 'or'
      let value: unknown = nothing
      for (const part of rest) {
        value = this.#operand(part, scope)
        if (isTrue(value) === wanted) return value
      }
      if (piped !== nothing) value = piped
      if (value === nothing)
        this.#fail(node.at, {
          text: node.name,
          message: `wrong number of args for ${node.name}: want at least 1 got 0`,
        })
      return value
    }
    const args = rest.map((part) => this.#operand(part, scope))
    if (piped !== nothing) args.push(piped)
    const run = this.#functions[node.name] as TemplateFunction
    if (run.length > args.length)
      this.#fail(node.at, {
        text: node.name,
        message: `wrong number of args for ${node.name}: want ${run.length} got ${args.length}`,
      })
    try {
      return run(...args)
    } catch (error) {
      if (error instanceof TemplateError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      return this.#fail(node.at, {
        text: `${node.name}${rest.map((part) => ` ${part.text}`).join('')}`,
        message: `error calling ${node.name}: ${reason}`,
      })
    }
  }

  #operand(node: Expression, scope: Scope, args: readonly unknown[] = []): unknown {
    switch (node.kind) {
      case 'dot':
        return scope.dot
      case 'nil':
        return this.#fail(node.at, { text: 'nil', message: 'nil is not a command' })
      case 'literal':
        return node.value
      case 'field':
        return this.#fields(node.base === null ? scope.dot : this.#operand(node.base, scope), { node, args })
      case 'variable':
        return this.#fields(scope.variables.get(node.name), { node, args })
      case 'pipeline':
        return this.#pipeline(node.pipe, scope)
      case 'function':
        return this.#function(node, { rest: [], scope, piped: nothing })
    }
  }

  #fields(
    start: unknown,
    { node, args }: { node: Extract<Expression, { kind: 'field' | 'variable' }>; args: readonly unknown[] },
  ): unknown {
    let value = start
    node.names.forEach((name, at) => {
      value = this.#field(value, { name, node, args: at === node.names.length - 1 ? args : [] })
    })
    return value
  }

  #field(
    value: unknown,
    { name, node, args }: { name: string; node: Expression; args: readonly unknown[] },
  ): unknown {
    const fail = (message: string) => this.#fail(node.at, { text: node.text, message })
    if (value === null || value === undefined) return fail(`nil pointer evaluating interface {}.${name}`)
    if (value instanceof Row) {
      if (!value.has(name)) return fail(`can't evaluate field ${name} in type *${value.typeName}`)
      if (value.arity(name) !== args.length)
        return fail(`wrong number of args for ${name}: want ${value.arity(name)} got ${args.length}`)
      return value.get(name, args)
    }
    if (typeof value !== 'object' || Array.isArray(value))
      return fail(`can't evaluate field ${name} in type ${goType(value)}`)
    const method = (value as Record<string, unknown>)[name]
    // Only the header of a table has functions: methods of its rows, which print their argument.
    if (typeof method === 'function') return (method as (...args: readonly unknown[]) => unknown)(...args)
    if (args.length > 0) return fail(`${name} is not a method but has arguments`)
    const key = memberName(value, name)
    if (key !== null) return (value as Record<string, unknown>)[key]
    return this.#strict ? fail(`map has no entry for key "${name}"`) : undefined
  }

  #fail(at: number, { text, message }: { text: string; message: string }): never {
    const shown = text.length > 20 ? `${text.slice(0, 20)}...` : text
    throw new TemplateError(
      `template: :${position(this.#template.source, at)}: executing "" at <${shown}>: ${message}`,
    )
  }
}

/** The key of a field: its JSON name, or Go's name for it where that has other capitals (`ID` for `Id`). */
function memberName(value: object, name: string): string | null {
  if (Object.hasOwn(value, name)) return name
  const lower = name.toLowerCase()
  return /^[A-Z]/.test(name)
    ? (Object.keys(value).find((key) => /^[A-Z]/.test(key) && key.toLowerCase() === lower) ?? null)
    : null
}
