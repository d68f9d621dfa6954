import { InvalidArgumentError } from '#errors/errors.ts'

type Facts = Readonly<
  Record<'ID' | 'FullID' | 'Name' | 'ImageID' | 'ImageFullID' | 'ImageName' | 'DaemonName', string>
>

/**
 * Fills in the option `tag`: text with `{{.ID}}`, `{{.FullID}}`, `{{.Name}}`, `{{.ImageID}}`, `{{.ImageFullID}}`,
 * `{{.ImageName}}`, `{{.DaemonName}}`. @throws InvalidArgumentError for anything else in braces
 */
export function logTag(template: string, facts: Facts): string {
  return template.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (whole, expression: string) => {
    const name = expression.startsWith('.') ? expression.slice(1) : ''
    if (!Object.hasOwn(facts, name)) {
      throw new InvalidArgumentError(
        `invalid log tag template ${JSON.stringify(whole)}: use .ID, .Name, .ImageName …`,
      )
    }
    return facts[name as keyof Facts]
  })
}
