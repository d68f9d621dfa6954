/** Splits text as a shell would, without expanding: quotes and escapes stay in the words. */
export function splitWords(text: string, escape: string): string[] {
  const words: string[] = []
  let word: string | null = null
  let quote: string | null = null
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i] as string
    if (quote === null && /\s/.test(c)) {
      if (word !== null) words.push(word)
      word = null
      continue
    }
    word ??= ''
    word += c
    if (c === escape && quote !== "'" && i + 1 < text.length) {
      i += 1
      word += text[i] as string
    } else if (quote === null && (c === '"' || c === "'")) {
      quote = c
    } else if (c === quote) {
      quote = null
    }
  }
  if (word !== null) words.push(word)
  return words
}
