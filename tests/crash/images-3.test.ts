import { testOtherCrashes } from './image-failpoint-tests.ts'

testOtherCrashes()
