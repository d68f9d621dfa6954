import { testImageFailpoints } from './image-failpoint-tests.ts'

testImageFailpoints({ index: 0, of: 2 })
