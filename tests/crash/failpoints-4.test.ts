import { testFailpoints } from './failpoint-tests.ts'

testFailpoints({ index: 3, of: 4 })
