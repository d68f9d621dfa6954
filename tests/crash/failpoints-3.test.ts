import { testFailpoints } from './failpoint-tests.ts'

testFailpoints({ index: 2, of: 4 })
