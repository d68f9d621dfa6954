import { compare } from './compare.ts'
import { isolationScripts } from './isolation-scripts.ts'

await compare('isolation', isolationScripts)
