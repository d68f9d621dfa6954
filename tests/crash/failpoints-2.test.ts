import { testFailpoints } from './failpoint-tests.ts'

testFailpoints({ index: 1, of: 4 })
