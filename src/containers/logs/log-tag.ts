import { InvalidArgumentError } from '#errors/errors.ts'

type Facts = Readonly<
  Record<'ID' | 'FullID' | 'Name' | 'ImageID' | 'ImageFullID' | 'ImageName' | 'DaemonName', string>
>

const FUNCTIONS: Readonly<Record<string, (text: string) => string>> = {
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  title: (text) => text.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()),
  json: (text) => JSON.stringify(text),
}

/**
 * Fills in the option `tag`: text with `{{.ID}}`, `{{.FullID}}`, `{{.Name}}`, `{{.ImageID}}`, `{{.ImageFullID}}`,
 * `{{.ImageName}}`, `{{.DaemonName}}`, each also behind or before `lower`, `upper`, `title`, `json`.
 * @throws InvalidArgumentError for anything else in braces, in the words of Go's templates
 */
export function logTag(template: string, facts: Facts): string {
  const rest = template.replaceAll(/\{\{.*?\}\}/g, '')
  if (rest.includes('{{')) throw new InvalidArgumentError('template: log-tag:1: unclosed action')
  return template.replaceAll(/\{\{-?\s*(.*?)\s*-?\}\}/g, (_whole, expression: string, at: number) => {
    // `lower .Name` and `.Name | lower` say the same.
    const words = expression
      .split('|')
      .flatMap((part, index) => (index === 0 ? part.trim().split(/\s+/).toReversed() : [part.trim()]))
    const [field = '', ...functions] = words
    const name = field.startsWith('.') ? field.slice(1) : ''
    if (!Object.hasOwn(facts, name)) {
      throw new InvalidArgumentError(
        `template: log-tag:1:${String(at + 2)}: executing "log-tag" at <${field}>: can't evaluate field ${name} in type *logger.Info`,
      )
    }
    return functions.reduce(
      (text, word) => {
        const apply = Object.hasOwn(FUNCTIONS, word) ? FUNCTIONS[word] : undefined
        if (apply === undefined) {
          throw new InvalidArgumentError(`template: log-tag:1: function ${JSON.stringify(word)} not defined`)
        }
        return apply(text)
      },
      facts[name as keyof Facts],
    )
  })
}
