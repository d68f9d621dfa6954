import { lexTemplate, lineOf, TemplateError } from './lexer.ts'
import type { Token } from './lexer.ts'
import type { Call, Expression, Node, Pipeline, Template } from './nodes.ts'

/** Reads a template of Go's text/template. `functions` names the functions that may be called. @throws TemplateError. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Template {
  return new Parser(source, functions).parse()
}

type Stop = 'end' | 'else' | 'eof'

class Parser {
  readonly #source: string
  readonly #functions: ReadonlySet<string>
  readonly #tokens: readonly Token[]
  readonly #defined = new Map<string, readonly Node[]>()
  #variables: string[] = ['$']
  #loops = 0
  #next = 0

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source
    this.#functions = functions
    this.#tokens = lexTemplate(source)
  }

  parse(): Template {
    const { nodes, stop } = this.#list()
    if (stop !== 'eof') this.#fail(`unexpected {{${stop}}}`)
    return { source: this.#source, nodes, defined: this.#defined }
  }

  #list(): { nodes: Node[]; stop: Stop } {
    const nodes: Node[] = []
    for (;;) {
      const token = this.#take()
      if (token.kind === 'end') return { nodes, stop: 'eof' }
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text })
        continue
      }
      const word = this.#peekWord()
      if (word?.kind === 'identifier') {
        if (word.text === 'end') {
          this.#takeWord()
          this.#close('end')
          return { nodes, stop: 'end' }
        }
        if (word.text === 'else') {
          this.#takeWord()
          return { nodes, stop: 'else' }
        }
        const control = this.#control(word)
        if (control !== undefined) {
          if (control !== null) nodes.push(control)
          continue
        }
      }
      const pipe = this.#pipeline('command')
      this.#close('command')
      nodes.push({ kind: 'action', pipe })
    }
  }

  /** @returns undefined when the word starts no control structure, null when it leaves no node. */
  #control(word: Token): Node | null | undefined {
    switch (word.text) {
      case 'if':
      case 'with':
      case 'range':
        this.#takeWord()
        return this.#branch(word.text)
      case 'break':
      case 'continue':
        if (this.#loops === 0) this.#fail(`{{${word.text}}} outside {{range}}`)
        this.#takeWord()
        this.#close(word.text)
        return { kind: word.text }
      case 'template':
        this.#takeWord()
        return this.#template()
      case 'define':
        this.#takeWord()
        this.#define()
        return null
      case 'block': {
        this.#takeWord()
        const name = this.#name('block')
        const pipe = this.#pipeline('block')
        this.#close('block')
        this.#defined.set(name, this.#body('block'))
        return { kind: 'template', name, pipe, at: word.at }
      }
      default:
        return undefined
    }
  }

  #branch(kind: 'if' | 'with' | 'range'): Node {
    const scope = this.#variables.length
    const pipe = this.#pipeline(kind)
    this.#close(kind)
    if (kind === 'range') this.#loops += 1
    const { nodes: body, stop } = this.#list()
    if (kind === 'range') this.#loops -= 1
    let otherwise: Node[] = []
    if (stop === 'else') {
      const word = this.#peekWord()
      if (word?.kind === 'identifier' && word.text === kind && kind !== 'range') {
        this.#takeWord()
        otherwise = [this.#branch(kind)]
      } else {
        this.#close('else')
        const rest = this.#list()
        if (rest.stop === 'else') this.#fail('expected end; found {{else}}')
        if (rest.stop === 'eof') this.#fail('unexpected EOF')
        otherwise = rest.nodes
      }
    } else if (stop === 'eof') this.#fail('unexpected EOF')
    this.#variables.length = scope
    return { kind, pipe, body, otherwise }
  }

  #template(): Node {
    const at = this.#tokens[this.#next]?.at ?? 0
    const name = this.#name('template clause')
    const pipe = this.#peekWord()?.kind === 'close' ? null : this.#pipeline('template')
    this.#close('template')
    return { kind: 'template', name, pipe, at }
  }

  #define(): void {
    const name = this.#name('define clause')
    this.#close('define')
    this.#defined.set(name, this.#body('define'))
  }

  #body(context: string): readonly Node[] {
    const outer = this.#variables
    this.#variables = ['$']
    const { nodes, stop } = this.#list()
    if (stop !== 'end')
      this.#fail(stop === 'eof' ? 'unexpected EOF' : `unexpected {{else}} in ${context} clause`)
    this.#variables = outer
    return nodes
  }

  #name(context: string): string {
    const token = this.#takeWord()
    if (token.kind !== 'string') this.#unexpected(token, context)
    return unquote(token.text)
  }

  #pipeline(context: string): Pipeline {
    const at = this.#peekWord()?.at ?? 0
    const { variables, isAssignment } = this.#declarations(context)
    const calls: Call[] = []
    for (;;) {
      const token = this.#peekWord()
      if (token === undefined || token.kind === 'close' || token.kind === 'right') break
      const call = this.#call(context)
      calls.push(call)
      if (this.#peekWord()?.kind !== 'pipe') break
      this.#takeWord()
    }
    if (calls.length === 0) this.#fail(`missing value for ${context}`)
    calls.slice(1).forEach((call, index) => {
      const first = call.parts[0]
      if (first !== undefined && ['literal', 'dot', 'nil'].includes(first.kind)) {
        this.#fail(`non executable command in pipeline stage ${index + 2}`)
      }
    })
    return { variables, isAssignment, calls, at }
  }

  #declarations(context: string): { variables: string[]; isAssignment: boolean } {
    const start = this.#next
    const names: string[] = []
    for (;;) {
      const token = this.#peekWord()
      if (token?.kind !== 'variable') break
      this.#takeWord()
      names.push(token.text)
      const after = this.#peekWord()
      if (after?.kind === 'declare' || after?.kind === 'assign') {
        this.#takeWord()
        if (after.kind === 'declare') this.#variables.push(...names)
        return { variables: names, isAssignment: after.kind === 'assign' }
      }
      if (after?.kind !== 'comma' || context !== 'range') break
      this.#takeWord()
    }
    this.#next = start
    return { variables: [], isAssignment: false }
  }

  #call(context: string): Call {
    const at = this.#peekWord()?.at ?? 0
    const parts: Expression[] = []
    for (;;) {
      const token = this.#peekWord()
      if (token === undefined || ['close', 'right', 'pipe'].includes(token.kind)) break
      parts.push(this.#operand(context))
      // Two operands need a blank between them.
      const after = this.#tokens[this.#next]
      if (after !== undefined && !['space', 'close', 'right', 'pipe'].includes(after.kind))
        this.#unexpected(after, 'operand')
    }
    if (parts.length === 0) this.#fail('empty command')
    return { parts, at }
  }

  #operand(context: string): Expression {
    const token = this.#takeWord()
    let node = this.#term(token, context)
    const names: string[] = []
    const fieldAt = this.#tokens[this.#next]?.at ?? token.at
    while (this.#tokens[this.#next]?.kind === 'field')
      names.push((this.#tokens[this.#next++] as Token).text.slice(1))
    if (names.length === 0) return node
    const text = `${node.text === '.' ? '' : node.text}.${names.join('.')}`
    if (node.kind === 'variable') return { ...node, names: [...node.names, ...names], at: fieldAt, text }
    if (node.kind === 'field') return { ...node, names: [...node.names, ...names], at: fieldAt, text }
    if (node.kind === 'literal' || node.kind === 'nil')
      this.#fail(`unexpected . after term ${JSON.stringify(node.text)}`)
    node = { kind: 'field', base: node, names, at: fieldAt, text }
    return node
  }

  #term(token: Token, context: string): Expression {
    const { at, text } = token
    switch (token.kind) {
      case 'dot':
        return { kind: 'dot', at, text: '.' }
      case 'field':
        return { kind: 'field', base: null, names: [text.slice(1)], at, text }
      case 'variable':
        if (!this.#variables.includes(text)) this.#fail(`undefined variable "${text}"`)
        return { kind: 'variable', name: text, names: [], at, text }
      case 'identifier':
        if (text === 'nil') return { kind: 'nil', at, text }
        if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true', at, text }
        if (!this.#functions.has(text)) this.#fail(`function "${text}" not defined`)
        return { kind: 'function', name: text, at, text }
      case 'string':
        return { kind: 'literal', value: unquote(text), at, text }
      case 'char':
        return {
          kind: 'literal',
          value: unquote(`"${text.slice(1, -1).replaceAll('"', '\\"')}"`).codePointAt(0) ?? 0,
          at,
          text,
        }
      case 'number':
        return { kind: 'literal', value: numberOf(text), at, text }
      case 'left': {
        const pipe = this.#pipeline('parenthesized pipeline')
        const close = this.#takeWord()
        if (close.kind !== 'right') this.#fail(`unclosed right paren: unexpected ${describe(close)}`)
        return { kind: 'pipeline', pipe, at, text: this.#source.slice(at, close.at + 1) }
      }
      default:
        return this.#unexpected(token, context)
    }
  }

  #close(context: string): void {
    const token = this.#takeWord()
    if (token.kind !== 'close') this.#unexpected(token, context)
  }

  #take(): Token {
    return this.#tokens[this.#next++] as Token
  }

  #skipSpace(): void {
    while (this.#tokens[this.#next]?.kind === 'space') this.#next += 1
  }

  #takeWord(): Token {
    this.#skipSpace()
    return this.#take()
  }

  #peekWord(): Token | undefined {
    this.#skipSpace()
    return this.#tokens[this.#next]
  }

  #unexpected(token: Token, context: string): never {
    return this.#fail(`unexpected ${describe(token)} in ${context}`, token.at)
  }

  #fail(message: string, at: number = this.#tokens[Math.max(0, this.#next - 1)]?.at ?? 0): never {
    throw new TemplateError(`template: :${lineOf(this.#source, at)}: ${message}`)
  }
}

function describe(token: Token): string {
  return token.kind === 'end'
    ? 'EOF'
    : token.kind === 'field' || token.kind === 'dot'
      ? `<${token.text}>`
      : JSON.stringify(token.text)
}

function numberOf(text: string): number {
  return Number(text.replaceAll('_', ''))
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

function unquote(text: string): string {
  if (text.startsWith('`')) return text.slice(1, -1)
  return text
    .slice(1, -1)
    .replace(
      /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
      (_all, ...groups: string[]) => {
        const [x, u, long, octal, char] = groups
        const hex = x ?? u ?? long
        if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
        if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
        return escapes[char ?? ''] ?? char ?? ''
      },
    )
}
