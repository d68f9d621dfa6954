import { compare } from './compare.ts'
import { volumeScripts } from './volume-scripts.ts'

await compare('volumes', volumeScripts)
