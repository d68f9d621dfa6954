import { compare } from './compare.ts'
import { resourceScripts } from './isolation-scripts.ts'

await compare('resources', resourceScripts)
