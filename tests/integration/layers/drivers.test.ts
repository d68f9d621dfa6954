import { storageDriverSuite } from './driver.suite.ts'

storageDriverSuite('erofs', { manyLayers: 150 })
storageDriverSuite('overlay2', { manyLayers: 150 })
storageDriverSuite('vfs', { manyLayers: 20 })
