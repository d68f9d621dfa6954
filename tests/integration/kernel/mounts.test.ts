import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { bindMount, isMountPoint, mount, mountFs, mountTable, umount, umountAll } from '#kernel/mounts.ts'
import { makeNode, readDevice } from '#kernel/device-nodes.ts'
import { getXattr, listXattrs, removeXattr, setXattr } from '#kernel/xattrs.ts'

const directory = mkdtempSync(join(tmpdir(), 'wharf-mounts-'))
const at = (name: string): string => {
  mkdirSync(join(directory, name), { recursive: true })
  return join(directory, name)
}
after(() => {
  for (const entry of mountTable().toReversed()) {
    if (entry.mountPoint.startsWith(`${directory}/`)) umountAll(entry.mountPoint)
  }
  rmSync(directory, { recursive: true })
})

test('mount() and umount() of a path with spaces, as the mount table tells it', () => {
  const target = at('with space\tand tab')
  mount(target, { source: 'name', fstype: 'tmpfs', data: 'size=1m' })
  const entry = mountTable().find((line) => line.mountPoint === target)
  assert.equal(entry?.fstype, 'tmpfs')
  assert.ok(entry.superOptions.includes('size=1024k'))
  umount(target)
  assert.equal(isMountPoint(target), false)
  assert.throws(() => umount(target), { code: 'kernel', errno: 'EINVAL' })
})

test('bindMount() read-only leaves the source writable', () => {
  const [source, target] = [at('source'), at('target')]
  writeFileSync(join(source, 'file'), 'text')
  bindMount(source, target, { readOnly: true })
  assert.throws(() => writeFileSync(join(target, 'file'), ''), { code: 'EROFS' })
  writeFileSync(join(source, 'file'), 'more')
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'more')
  umountAll(target)
  umountAll(target)
})

test('mountFs() takes more layers than fit into a page of options', () => {
  const layers = Array.from({ length: 200 }, (_, n) => at(`layers/${'long-name-'.repeat(5)}${String(n)}`))
  writeFileSync(join(layers[199] ?? '', 'deep'), 'found')
  const target = at('merged')
  const parameters = [
    ...layers.map((layer) => ['lowerdir+', layer] as const),
    ['upperdir', at('upper')] as const,
    ['workdir', at('work')] as const,
  ]
  mountFs(target, 'overlay', { parameters })
  assert.equal(readFileSync(join(target, 'deep'), 'utf8'), 'found')
  umount(target)
})

test('extended attributes and device nodes', () => {
  const file = join(at('files'), 'file')
  writeFileSync(file, '')
  setXattr(file, 'trusted.name', Buffer.from([1, 0, 2]))
  assert.deepEqual(listXattrs(file), ['trusted.name'])
  assert.deepEqual(getXattr(file, 'trusted.name'), Buffer.from([1, 0, 2]))
  removeXattr(file, 'trusted.name')
  removeXattr(file, 'trusted.name')
  assert.equal(getXattr(file, 'trusted.name'), null)
  const node = join(at('files'), 'null')
  makeNode(node, { type: 'character', mode: 0o666, device: { major: 1, minor: 300 } })
  assert.deepEqual(readDevice(node), { type: 'c', major: 1, minor: 300 })
  assert.equal(readDevice(file), null)
})
