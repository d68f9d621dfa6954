import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CgroupFeatures } from '#kernel/cgroups/cgroups.ts'
import { supportedLimits } from './supported-limits.ts'

const all: CgroupFeatures = {
  memoryLimit: true,
  swapLimit: true,
  memorySwappiness: true,
  oomKillDisable: true,
  cpuCfsPeriod: true,
  cpuCfsQuota: true,
  cpuShares: true,
  cpuRealtime: true,
  cpuSet: true,
  pidsLimit: true,
  blkioWeight: true,
}

test('a machine that can keep all limits keeps them', () => {
  const hostConfig = { Memory: 1, BlkioWeight: 300, PidsLimit: 5 }
  assert.deepEqual(supportedLimits(hostConfig, all), { hostConfig, warnings: [] })
})

test('what it cannot keep is dropped with a warning, what was not asked for without', () => {
  const hostConfig = { Memory: 7, BlkioWeight: 300, OomKillDisable: false, MemorySwappiness: -1 }
  const features = { ...all, blkioWeight: false, oomKillDisable: false, memorySwappiness: false }
  assert.deepEqual(supportedLimits(hostConfig, features), {
    hostConfig: { ...hostConfig, BlkioWeight: null },
    warnings: [
      'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
    ],
  })
})

test('memory without a swap limit', () => {
  const { warnings } = supportedLimits({ Memory: 7 }, { ...all, swapLimit: false })
  assert.deepEqual(warnings, [
    'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
  ])
})
