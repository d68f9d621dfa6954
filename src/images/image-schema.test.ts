import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#base/digest.ts'
import { openDatabase } from '#store/database.ts'
import { parseReference } from '#spec/reference.ts'
import { imageSchema } from './image-schema.ts'
import { ImageStore } from './image-store.ts'
import { LayerBlobs } from './layer-blobs.ts'

for (let version = 1; version < imageSchema.migrations.length; version += 1) {
  test(`images recorded by version ${version} of the schema are there`, (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'wharf-schema-'))
    t.after(() => rmSync(directory, { recursive: true, force: true }))
    const file = join(directory, 'wharf.db')
    const old = { area: imageSchema.area, migrations: imageSchema.migrations.slice(0, version) }
    const before = openDatabase(file, [old])
    const config = {
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [digestOf('layer')] },
    }
    const store = new ImageStore(before)
    const { id } = store.put({
      configBytes: Buffer.from(JSON.stringify(config)),
      parent: null,
      layerSizes: [5],
      manifests: [],
    })
    store.name(parseReference('app:v1'), id, { taggedAt: null })
    const record = store.get(id)
    before.close()
    const after = openDatabase(file, [imageSchema])
    t.after(() => after.close())
    assert.deepEqual(new ImageStore(after).get(id), record)
    const blobs = new LayerBlobs(after)
    blobs.forgetUnneeded()
    assert.deepEqual(blobs.arrived(), [])
  })
}
