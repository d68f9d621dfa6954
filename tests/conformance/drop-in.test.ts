import { compare } from './compare.ts'
import { dropInScripts } from './drop-in-scripts.ts'

await compare('drop-in', dropInScripts)
