/** The head of a frame of a multiplexed stream: stream number, three zero bytes, length (big-endian). API "Attach". */
export const STDCOPY_HEAD_BYTES = 8

/** The numbers of streams in frames; `systemError` carries a message of the daemon that ends the stream. */
export const STDCOPY_STREAMS = { stdin: 0, stdout: 1, stderr: 2, systemError: 3 } as const

/** The head of a frame with this many bytes. */
export function stdcopyHead(stream: keyof typeof STDCOPY_STREAMS, sizeBytes: number): Buffer {
  const head = Buffer.alloc(STDCOPY_HEAD_BYTES)
  head[0] = STDCOPY_STREAMS[stream]
  head.writeUInt32BE(sizeBytes, 4)
  return head
}

/** One whole frame. */
export function stdcopyFrame(stream: keyof typeof STDCOPY_STREAMS, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(STDCOPY_HEAD_BYTES + bytes.byteLength)
  frame.fill(0, 0, 4)
  frame[0] = STDCOPY_STREAMS[stream]
  frame.writeUInt32BE(bytes.byteLength, 4)
  frame.set(bytes, STDCOPY_HEAD_BYTES)
  return frame
}
