import { testIptables } from './iptables.suite.ts'

testIptables('iptables-legacy')
