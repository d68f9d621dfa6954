import { testImageFailpoints } from './image-failpoint-tests.ts'

testImageFailpoints({ index: 1, of: 2 })
