import { storageDriverSuite } from './driver.suite.ts'

storageDriverSuite('erofs', { manyLayers: 150 })
