import { compare } from './compare.ts'
import { logScripts } from './log-scripts.ts'

await compare('logs', logScripts)
