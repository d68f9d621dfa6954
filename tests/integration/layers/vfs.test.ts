import { storageDriverSuite } from './driver.suite.ts'

storageDriverSuite('vfs', { manyLayers: 150 })
