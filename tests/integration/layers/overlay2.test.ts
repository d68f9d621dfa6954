import { storageDriverSuite } from './driver.suite.ts'

storageDriverSuite('overlay2', { manyLayers: 150 })
