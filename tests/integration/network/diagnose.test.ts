import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { run } from '../../support/engine.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharf, wharfOk } from '../cli/wharf-cli.ts'

describe('wharf ports and network inspect --diagnose', () => {
  let wharfd: Wharfd
  const port = randomInt(20_000, 30_000)
  before(async () => {
    wharfd = await Wharfd.startWithBusybox({ flags: ['--metrics-addr', `127.0.0.1:${port + 9}`] })
    await wharfd.ok('network', 'create', 'looked')
    await wharfd.ok('run', '-d', '--name', 'web', '--network', 'looked', '-p', `127.0.0.1:${port}:80`,
      '-p', `0.0.0.0:${port + 1}:81`, '--expose', '90', 'busybox', 'sleep', '1000') // prettier-ignore
  })
  after(async () => {
    await wharfd.stop()
  })

  test('ports says who reaches what', async () => {
    const rows = await wharfOk(wharfd, [
      'ports',
      '--all',
      '--format',
      '{{.Port}} {{.ContainerPort}} {{.Reach}}',
    ])
    assert.deepEqual(rows.split('\n').sort(), [
      '- 90/tcp containers in looked',
      `${port} 80/tcp this machine`,
      `${port + 1} 81/tcp everybody, by IPv4`,
    ])
    assert.doesNotMatch(await wharfOk(wharfd, ['ports']), /90\/tcp/)
  })

  test('diagnose finds nothing wrong, and says what somebody broke', async () => {
    const diagnose = async (): Promise<string> => {
      const { stdout, exitCode } = await wharf(wharfd, ['network', 'inspect', '--diagnose', 'looked'])
      assert.equal(exitCode, stdout.includes('FAIL') ? 1 : 0)
      return stdout
    }
    const whole = await diagnose()
    assert.doesNotMatch(whole, /FAIL/)
    for (const words of [/the firewall knows br-/, /web: .* is on eth0/, /web: default route by eth0 to /, /web: the name server 127.0.0.11 listens/]) assert.match(whole, words) // prettier-ignore
    const key = await wharfd.ok('inspect', '-f', '{{.NetworkSettings.SandboxKey}}', 'web')
    const inside = (...args: readonly string[]): Promise<unknown> =>
      run(['nsenter', `--net=${key}`, 'ip', ...args])
    await inside('route', 'delete', 'default')
    await inside('link', 'set', 'eth0', 'down')
    const broken = await diagnose()
    assert.match(broken, /FAIL {2}web: eth0 is up and plugged in/)
    assert.match(broken, /FAIL {2}web: it has a default route/)
    await inside('address', 'flush', 'dev', 'eth0')
    assert.match(await diagnose(), /FAIL {2}web: .* is on no link/)
  })

  test('answers of the embedded DNS are counted', async () => {
    await wharfd.ok('run', '-d', '--name', 'asks', '--network', 'looked', 'busybox', 'sleep', '1000')
    await wharfd.ok('exec', 'asks', 'nslookup', '-type=a', 'web')
    const text = await (await fetch(`http://127.0.0.1:${port + 9}/metrics`)).text()
    assert.match(text, /^wharf_dns_answers_total\{from="containers"\} [1-9]/m)
    assert.match(text, /^wharf_dns_answers_total\{from="cache"\} \d/m)
  })

  test('a subnet of a size comes from the pools', async () => {
    await wharfd.ok('network', 'create', '--subnet', '0.0.0.0/26', 'sized')
    const subnet = await wharfd.ok('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', 'sized')
    assert.match(subnet, /^\d+\.\d+\.\d+\.\d+\/26$/)
    assert.doesNotMatch(subnet, /^0\./)
  })
})
