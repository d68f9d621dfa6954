import { compare } from './compare.ts'
import { containerScripts } from './scripts.ts'

await compare('containers', containerScripts)
