/** One who takes what a container writes out of the spool, at its own pace. */
export interface SpoolConsumer {
  /** It writes files that readers wait for; others go at the pace of somebody elsewhere. */
  readonly isPrompt: boolean
  /** How many bytes of the spool it has dealt with for good: they may be freed. */
  readonly doneBytes: number
  /** Goes back to where the last daemon left it. */
  open(): Promise<void>
  /**
   * Takes bytes of the spool that begin at `doneBytes`; whole lines only. Resolves with the number of bytes it took,
   * 0 when it cannot go on now.
   * @param options.ends nothing will follow these bytes
   */
  take(bytes: Buffer, options: { readonly ends: boolean }): Promise<number>
  /** Tells how long the spool is by now, so that one who is too far behind can give up the oldest. */
  limit?(spoolBytes: number): Promise<void>
  /** The container has ended and all was offered. */
  close(): Promise<void>
}
