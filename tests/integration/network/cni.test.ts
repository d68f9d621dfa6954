import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { makeAndDie } from './make-and-die.ts'
import { addressOf, namespaceOf, NetworkRoot } from './network-root.ts'

const installed = existsSync('/usr/lib/cni/bridge') ? false : 'containernetworking-plugins is not installed'
const net = `10.${String(randomInt(201, 220))}.${String(randomInt(1, 250))}`
const bridge = `wc${randomInt(0x1000_0000).toString(16)}`

describe('CNI plugins as a driver', { skip: installed }, () => {
  const directory = scratchDirectory('cni')
  const data = `${directory}/addresses`
  const calls = `${directory}/calls`
  const root = new NetworkRoot()
  const last = { type: 'witness', capabilities: { portMappings: true } }
  const config = (cniVersion: string): string =>
    JSON.stringify({
      cniVersion,
      name: `net${bridge}`,
      plugins: [
        {
          type: 'bridge', bridge, isGateway: true, isDefaultGateway: true,
          ipam: { type: 'host-local', dataDir: data, ranges: [[{ subnet: `${net}.0/24` }]] },
        },
        last,
      ],
    }) // prettier-ignore
  const path = `${directory}:/usr/lib/cni`
  /** What host-local has given out. */
  const addresses = (): string[] =>
    existsSync(`${data}/net${bridge}`)
      ? readdirSync(`${data}/net${bridge}`).filter((name) => name.startsWith('10.'))
      : []
  const said = (): string[] => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [])

  before(async () => {
    // A plugin that writes down how it is called, hands the result on, and fails when told so.
    writeFileSync(
      `${directory}/witness`,
      `#!/bin/sh
input=$(cat)
printf '%s %s %s\\n' "$CNI_COMMAND" "$CNI_IFNAME" "$input" >>${calls}
if [ -e ${directory}/fail-$CNI_COMMAND ]; then echo '{"code":100,"msg":"not today"}'; exit 1; fi
[ "$CNI_COMMAND" = ADD ] && printf '%s' "$input" | sed 's/.*"prevResult":\\(.*\\)}$/\\1/'
exit 0
`,
    )
    chmodSync(`${directory}/witness`, 0o755)
    await root.open()
  })
  after(async () => {
    await root[Symbol.asyncDispose]()
    using netlink = new Rtnetlink()
    if (netlink.links().some(({ name }) => name === bridge)) netlink.deleteLink(bridge)
    rmSync(directory, { recursive: true, force: true })
  })

  test('containers have links, addresses and routes of the plugins, and names of ours', async () => {
    writeFileSync(`${directory}/net.conflist`, config('1.0.0'))
    await root.networks.create({
      Name: 'cni1', Driver: 'cni', Options: { config: `${directory}/net.conflist`, path },
    }) // prettier-ignore
    const ports = { portBindings: { '80/tcp': [{ HostPort: '18080' }] } }
    const a = await root.sandbox({ network: 'cni1', name: 'web', more: ports })
    const b = await root.sandbox({ network: 'cni1' })
    assert.deepEqual([addressOf(a, 'cni1'), addressOf(b, 'cni1')], [`${net}.2`, `${net}.3`])
    const { Gateway, IPPrefixLen, MacAddress } = a.endpoints['cni1'] ?? {}
    assert.deepEqual([Gateway, IPPrefixLen], [`${net}.1`, 24])
    assert.match(
      await root.run(a.netnsPath, 'ip', 'link', 'show', 'dev', 'eth0'),
      new RegExp(MacAddress ?? '-'),
    )
    assert.match(await root.run(a.netnsPath, 'ip', 'route'), new RegExp(`default via ${net}.1 dev eth0`))
    assert.match(said()[0] ?? '', /^ADD eth0 .*"portMappings":\[\{[^\]]*"hostPort":18080/)
    await root.serve(a.netnsPath, 80, 'by-cni')
    await root.answers('by-cni', namespaceOf(b), addressOf(a, 'cni1'), 80)
    assert.match(
      await root.run(b.netnsPath, 'busybox', 'nslookup', 'web', '127.0.0.11'),
      new RegExp(`${net}.2`),
    )
    await root.networks.release(a.id)
    await root.networks.release(b.id)
    assert.deepEqual(addresses(), [])
    assert.deepEqual(said().map((line) => line.split(' ')[0]), ['ADD', 'ADD', 'DEL', 'DEL']) // prettier-ignore
  })

  test('what a plugin refuses is said, and what the ones before it made is taken back', async () => {
    writeFileSync(`${directory}/fail-ADD`, '')
    await assert.rejects(root.sandbox({ network: 'cni1' }), /CNI plugin "witness" failed \(ADD\): not today/)
    rmSync(`${directory}/fail-ADD`)
    assert.deepEqual(addresses(), [])
    await assert.rejects(
      root.networks.create({ Name: 'x', Driver: 'cni', Options: { config: '{"name":"n","type":"../x"}' } }),
      /invalid CNI configuration/,
    )
    await assert.rejects(
      root.networks.create({ Name: 'x', Driver: 'cni' }),
      /cni networks need a configuration/,
    )
  })

  test('after a restart: CHECK of what runs, DEL of what could not be deleted, also when network and file are gone', async () => {
    const a = await root.sandbox({ network: 'cni1' })
    const b = await root.sandbox({ network: 'cni1' })
    writeFileSync(`${directory}/fail-DEL`, '')
    await root.networks.release(b.id)
    rmSync(`${directory}/fail-DEL`)
    rmSync(`${directory}/net.conflist`)
    assert.equal(addresses().length, 2)
    const before = said().length
    await root.close()
    await root.open([a.id])
    assert.deepEqual(
      said()
        .slice(before)
        .map((line) => line.split(' ')[0])
        .sort(),
      ['CHECK', 'DEL'],
    )
    assert.deepEqual(addresses(), [addressOf(a, 'cni1')])
    await root.networks.release(a.id)
    await root.networks.remove('cni1')
    assert.deepEqual(addresses(), [])
  })

  test('GC tells plugins of version 1.1.0 what is valid', async () => {
    const only = JSON.stringify({ cniVersion: '1.1.0', name: 'gc', plugins: [{ type: 'witness' }] })
    await root.networks.create({ Name: 'gc', Driver: 'cni', Options: { config: only, path } })
    await root.close()
    await root.open()
    assert.match(said().at(-1) ?? '', /^GC .*"cni.dev\/valid-attachments":\[\]/)
    await root.networks.remove('gc')
  })

  test('a running container is connected and leaves', async () => {
    await root.networks.create({ Name: 'cni2', Driver: 'cni', Options: { config: config('0.4.0'), path } })
    const a = await root.sandbox()
    const view = await root.networks.connect(a.id, { network: 'cni2', endpoint: {} })
    assert.equal(view.endpoints['cni2']?.IPAddress, `${net}.${addresses()[0]?.split('.')[3] ?? ''}`)
    assert.match(await root.run(a.netnsPath, 'ip', '-o', 'address'), /eth1/)
    await root.networks.disconnect(a.id, { network: 'cni2', force: false })
    assert.doesNotMatch(await root.run(a.netnsPath, 'ip', '-o', 'address'), /eth1/)
    assert.deepEqual(addresses(), [])
    await root.networks.release(a.id)
    await root.networks.remove('cni2')
  })

  test('after a death in the middle of a chain DEL takes back what was made', async () => {
    const other = new NetworkRoot()
    const network = { Name: 'cni3', Driver: 'cni', Options: { config: config('1.0.0'), path } }
    await makeAndDie(other, { port: 0, failpoints: 'network.cni.plugin-added=1*kill', network })
    assert.equal(addresses().length, 1)
    const networks = await other.open()
    assert.deepEqual(addresses(), [])
    await networks.remove('cni3')
    await other[Symbol.asyncDispose]()
  })
})
