import { compare } from './compare.ts'
import { imageScripts } from './image-scripts.ts'

await compare('images and registries', imageScripts)
