/** Smaller ones are not worth the call. */
const WORTH_BYTES = 16 * 1024

/**
 * Gives the memory of bytes back at once, which nobody will look at again: a stream of large pieces otherwise piles them up until the
 * next garbage collection, and asks for one every few megabytes. Does nothing for bytes that share their memory with others which follow.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer, byteOffset, byteLength } = bytes
  if (byteOffset + byteLength !== buffer.byteLength || buffer.byteLength < WORTH_BYTES) return
  // The end of a buffer may be a part of Node's pool, which others have parts of too.
  if (byteOffset > 0 && buffer.byteLength <= Buffer.poolSize) return
  if (buffer instanceof ArrayBuffer && !buffer.resizable) buffer.transfer(0)
}
