import { compare } from './compare.ts'
import { networkScripts } from './network-scripts.ts'

await compare('networks', networkScripts)
