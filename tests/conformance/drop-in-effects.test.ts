import { compare } from './compare.ts'
import { effectScripts } from './drop-in-effects.ts'

await compare('drop-in effects', effectScripts)
