import { storageDriverSuite } from './driver.suite.ts'

storageDriverSuite('fuse-overlayfs', { manyLayers: 150 })
