import { compare } from './compare.ts'
import { edgeScripts } from './edge-scripts.ts'

await compare('requests at the edge', edgeScripts)
