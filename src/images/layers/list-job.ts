import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { LayerFile } from '#spec/image-layers.ts'
import type { Job } from '../worker/job.ts'
import { TAR_START } from './erofs-index.ts'
import { EROFS_FILE } from './erofs-sink.ts'
import type { LayerFormat } from './layer-sink.ts'
import { components } from './layer-tree.ts'
import { readTarCopy } from './tar-copy.ts'
import { type TarEntry, nameText } from './tar-entry.ts'
import { TarParser } from './tar-parser.ts'

const PIECE_BYTES = 64 * 1024
const OUTPUT_BYTES = 64 * 1024

/** Sends the entries of a layer as lines of JSON (`LayerFile`). Contents are not read where they can be passed over. */
export async function listLayer(
  parameters: { readonly directory: string; readonly format: LayerFormat; readonly tarBytes: number },
  job: Job,
): Promise<void> {
  let lines = ''
  const parser = new TarParser({
    entry(entry) {
      lines += `${JSON.stringify(fileOf(entry))}\n`
    },
  })
  const send = async (atLeast: number): Promise<void> => {
    if (lines.length < atLeast) return
    const bytes = new TextEncoder().encode(lines)
    lines = ''
    await job.output(bytes)
  }
  if (parameters.format === 'directory') {
    for await (const bytes of readTarCopy(parameters.directory) as AsyncIterable<Buffer>) {
      parser.push(bytes)
      await send(OUTPUT_BYTES)
    }
  } else {
    for (const _piece of passOver(join(parameters.directory, EROFS_FILE), parser, parameters.tarBytes)) {
      await send(OUTPUT_BYTES)
    }
  }
  await send(1)
}

/** Parses the tar in the file of an EROFS layer, leaving out contents. Yields after each piece. */
function* passOver(path: string, parser: TarParser, tarBytes: number): Generator<void> {
  const fd = openSync(path, 'r')
  try {
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let at = 0; at < tarBytes; at += parser.skipContent()) {
      const bytes = readSync(fd, piece, 0, Math.min(PIECE_BYTES, tarBytes - at), TAR_START + at)
      if (bytes === 0) return
      parser.push(piece.subarray(0, bytes))
      at += bytes
      yield
    }
  } finally {
    closeSync(fd)
  }
}

function fileOf(entry: TarEntry): LayerFile {
  return {
    path: nameText(components(entry.name).join('/')),
    type: entry.type,
    sizeBytes: entry.sizeBytes,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    link: nameText(entry.linkName),
  }
}
