import { compare } from './compare.ts'
import { storageScripts } from './storage-scripts.ts'

await compare('images, volumes and builds', storageScripts)
