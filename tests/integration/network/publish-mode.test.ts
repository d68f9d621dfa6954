import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { NetworkRoot } from './network-root.ts'
import { Outside } from './outside.ts'

test('publish mode input: the host’s own INPUT rules hold for published ports', async () => {
  const root = new NetworkRoot()
  using outside = new Outside()
  after(() => root[Symbol.asyncDispose]())
  await root.open()
  const port = randomInt(30_000, 32_000)
  const bindings = (at: number) => ({ '80/tcp': [{ HostPort: String(at) }] })
  await root.networks.create({ Name: 'obeys', Options: { 'wharf.network.publish': 'input' } })
  const a = await root.sandbox({ network: 'obeys', more: { portBindings: bindings(port) } })
  const labels = { 'wharf.network.publish': 'input' }
  const b = await root.sandbox({ more: { portBindings: bindings(port + 1), labels } })
  const usual = await root.sandbox({ more: { portBindings: bindings(port + 2) } })
  for (const [sandbox, text] of [[a, 'a'], [b, 'b'], [usual, 'usual']] as const) await root.serve(sandbox.netnsPath, 80, text) // prettier-ignore
  const all: readonly (readonly [string, number])[] = [['a', port], ['b', port + 1], ['usual', port + 2]] // prettier-ignore
  for (const [text, at] of all) await root.answers(text, outside.netnsPath, outside.here, at)
  const table = ['inet', `mine_${root.bridge}`]
  await root.run(null, 'nft', `add table ${table.join(' ')}; add chain ${table.join(' ')} input { type filter hook input priority 0; }; add rule ${table.join(' ')} input ip saddr ${outside.there} drop`) // prettier-ignore
  for (const [text, at] of all) {
    assert.equal(await root.reach(outside.netnsPath, outside.here, at), text === 'usual' ? 'usual' : '', text)
    await root.answers(text, null, '127.0.0.1', at)
  }
  await root.run(null, 'nft', 'delete', 'table', ...table)
  await root.answers('b', outside.netnsPath, outside.here, port + 1)
  await root.close()
  await root.open([a.id, b.id, usual.id])
  await root.answers('b', outside.netnsPath, outside.here, port + 1)
  await assert.rejects(
    root.networks.create({ Name: 'odd', Options: { 'wharf.network.publish': 'output' } }),
    InvalidArgumentError,
  )
  for (const { id } of [a, b, usual]) await root.networks.release(id)
})
