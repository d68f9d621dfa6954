import { testFailpoints } from './failpoint-tests.ts'

testFailpoints({ index: 0, of: 4 })
