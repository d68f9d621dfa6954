import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { newId } from '#base/ids.ts'
import { openCgroups } from '#kernel/cgroups/open-cgroups.ts'
import { writeControl } from '#kernel/cgroups/files.ts'
import { mountTable } from '#kernel/mounts.ts'
import { spawnProcess, type SpawnedProcess } from '#kernel/processes.ts'

const cgroups = openCgroups()
const path = `/wharf-test-${newId().slice(0, 12)}`
const group = cgroups.group(`${path}/inner`)
after(() => cgroups.group(path).remove())

/** A process in the group, in every hierarchy. */
function member(): SpawnedProcess {
  const child = spawnProcess({ argv: ['/bin/busybox', 'sleep', '1000'], env: [] })
  for (const entry of mountTable()) {
    if (!entry.mountPoint.startsWith('/sys/fs/cgroup') || !/^cgroup2?$/.test(entry.fstype)) continue
    // A cpuset is empty until it is told its CPUs; the daemon leaves that to the OCI runtime.
    if (entry.superOptions.includes('cpuset')) continue
    mkdirSync(join(entry.mountPoint, group.path), { recursive: true })
    if (cgroups.version === '2') {
      // Controllers are handed down one level at a time; for containers the OCI runtime does so.
      for (const above of ['', path]) {
        writeControl(join(entry.mountPoint, above, 'cgroup.subtree_control'), '+memory +pids +cpu')
      }
    }
    writeControl(join(entry.mountPoint, group.path, 'cgroup.procs'), child.pid)
  }
  return child
}

test('limits, figures, freezing and the end of all processes', async () => {
  const child = member()
  group.update({ memoryBytes: 32 << 20, memorySwapBytes: 64 << 20, pidsLimit: 7 })
  group.update({ memoryBytes: 96 << 20, memorySwapBytes: 128 << 20 })
  group.update({ memoryBytes: 16 << 20, memorySwapBytes: 16 << 20 })
  const stats = group.stats()
  assert.equal(stats.memory.limitBytes, 16 << 20)
  assert.deepEqual(stats.pids, { current: 1, limit: 7 })
  assert.deepEqual(group.pids(), [child.pid])
  assert.equal(group.isFrozen(), false)
  await group.freeze()
  assert.equal(group.isFrozen(), true)
  await group.thaw()
  assert.equal(group.oomKills(), 0)
  await group.kill()
  assert.deepEqual(await child.exited, { exitCode: null, signal: 9 })
  assert.deepEqual(cgroups.children(path), ['inner'])
  await cgroups.group(path).remove()
  assert.deepEqual(cgroups.children(path), [])
})

test('a group that does not exist has no processes and can be killed and removed', async () => {
  const none = cgroups.group(`${path}/none`)
  assert.deepEqual(none.pids(), [])
  assert.equal(none.oomKills(), 0)
  assert.equal(none.isFrozen(), false)
  await none.kill()
  await none.remove()
  assert.throws(() => none.stats(), { code: 'kernel', errno: 'ENOENT' })
})
