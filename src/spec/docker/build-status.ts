import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** The id of a line of `POST /build?version=2` whose `aux` is a BuildStatus, in base64. */
export const BUILD_STATUS_ID = 'moby.buildkit.trace'
/** The id of the line whose `aux` names the image. */
export const BUILD_RESULT_ID = 'moby.image.id'

/** A step of a build, told again whenever something about it changes. */
export interface BuildVertex {
  /** Names the vertex within the build. */
  readonly digest: string
  /** The digests of those it waits for. */
  readonly inputs: readonly string[]
  /** `[build 2/3] RUN make`. */
  readonly name: string
  readonly cached: boolean
  /** Unix time in milliseconds; null: not yet. */
  readonly startedMs: number | null
  readonly completedMs: number | null
  /** Empty unless it failed. */
  readonly error: string
}

/** What a step wrote. */
export interface BuildLog {
  readonly vertex: string
  readonly timeMs: number
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Uint8Array
}

/** What happened in a build since the last status. */
export interface BuildStatus {
  readonly vertexes: readonly BuildVertex[]
  readonly logs: readonly BuildLog[]
}

/** `StatusResponse` of BuildKit's control API (moby.buildkit.v1), as far as it is used here. */
export function encodeBuildStatus(status: BuildStatus): Uint8Array {
  const out = new BinaryWriter()
  for (const vertex of status.vertexes) {
    out.tag(1, WireType.LengthDelimited).fork()
    out.tag(1, WireType.LengthDelimited).string(vertex.digest)
    for (const input of vertex.inputs) out.tag(2, WireType.LengthDelimited).string(input)
    out.tag(3, WireType.LengthDelimited).string(vertex.name)
    if (vertex.cached) out.tag(4, WireType.Varint).bool(true)
    if (vertex.startedMs !== null) writeTime(out, 5, vertex.startedMs)
    if (vertex.completedMs !== null) writeTime(out, 6, vertex.completedMs)
    if (vertex.error !== '') out.tag(7, WireType.LengthDelimited).string(vertex.error)
    out.join()
  }
  for (const log of status.logs) {
    out.tag(3, WireType.LengthDelimited).fork()
    out.tag(1, WireType.LengthDelimited).string(log.vertex)
    writeTime(out, 2, log.timeMs)
    out.tag(3, WireType.Varint).int64(log.stream === 'stdout' ? 1 : 2)
    out.tag(4, WireType.LengthDelimited).bytes(log.bytes)
    out.join()
  }
  return out.finish()
}

/** The reverse; fields that are not used here are passed over. @throws Error for what is no such message */
export function decodeBuildStatus(bytes: Uint8Array): BuildStatus {
  const vertexes: BuildVertex[] = []
  const logs: BuildLog[] = []
  eachField(bytes, (number, reader) => {
    if (number === 1) vertexes.push(readVertex(reader.bytes()))
    else if (number === 3) logs.push(readLog(reader.bytes()))
    else return false
    return true
  })
  return { vertexes, logs }
}

function readVertex(bytes: Uint8Array): BuildVertex {
  const inputs: string[] = []
  const found = {
    digest: '',
    inputs,
    name: '',
    cached: false,
    startedMs: null as number | null,
    completedMs: null as number | null,
    error: '',
  }
  eachField(bytes, (number, reader) => {
    if (number === 1) found.digest = reader.string()
    else if (number === 2) inputs.push(reader.string())
    else if (number === 3) found.name = reader.string()
    else if (number === 4) found.cached = reader.bool()
    else if (number === 5) found.startedMs = readTime(reader.bytes())
    else if (number === 6) found.completedMs = readTime(reader.bytes())
    else if (number === 7) found.error = reader.string()
    else return false
    return true
  })
  return found
}

function readLog(bytes: Uint8Array): BuildLog {
  const found = { vertex: '', timeMs: 0, stream: 'stdout' as 'stdout' | 'stderr', bytes: new Uint8Array() }
  eachField(bytes, (number, reader) => {
    if (number === 1) found.vertex = reader.string()
    else if (number === 2) found.timeMs = readTime(reader.bytes())
    else if (number === 3) found.stream = Number(reader.int64()) === 2 ? 'stderr' : 'stdout'
    else if (number === 4) found.bytes = new Uint8Array(reader.bytes())
    else return false
    return true
  })
  return found
}

/** google.protobuf.Timestamp. */
function writeTime(out: BinaryWriter, number: number, ms: number): void {
  const seconds = Math.floor(ms / 1000)
  out.tag(number, WireType.LengthDelimited).fork()
  out.tag(1, WireType.Varint).int64(seconds)
  out.tag(2, WireType.Varint).int32(Math.round((ms - seconds * 1000) * 1e6))
  out.join()
}

function readTime(bytes: Uint8Array): number {
  let ms = 0
  eachField(bytes, (number, reader) => {
    if (number === 1) ms += Number(reader.int64()) * 1000
    else if (number === 2) ms += reader.int32() / 1e6
    else return false
    return true
  })
  return ms
}

/** Visits the fields of a message; `take` says whether it read the field. */
function eachField(bytes: Uint8Array, take: (number: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    if (!take(number, reader)) reader.skip(wireType, number)
  }
}
