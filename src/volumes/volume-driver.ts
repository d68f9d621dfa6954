/** What a driver tells of a volume beside what is recorded of it. */
export interface DriverVolume {
  readonly name: string
  /** Where its files are on the host, or empty while the driver does not say. */
  readonly mountpoint: string
  /** RFC 3339, or empty. */
  readonly createdAt: string
  readonly status: Readonly<Record<string, unknown>> | null
}

/** Who keeps the files of volumes. Calls for one volume come one at a time. */
export interface VolumeDriver {
  readonly name: string
  /** `global` when every host of a cluster sees the same volumes. */
  readonly scope: 'local' | 'global'
  /** Checks name and options, in Docker's words. @throws InvalidArgumentError */
  check(name: string, options: Readonly<Record<string, string>>): void
  /** Makes the volume; harmless when it exists. */
  create(name: string, options: Readonly<Record<string, string>>): Promise<void>
  /** Where the files are as far as that is known without asking anybody. */
  mountpoint(name: string): string
  /** Makes the files available for a user of this id, and tells where. Idempotent for an id. */
  mount(
    volume: { readonly name: string; readonly options: Readonly<Record<string, string>> },
    id: string,
  ): Promise<string>
  /** The user of this id is done; `isLast` when no other has it mounted. Idempotent. */
  unmount(name: string, user: { readonly id: string; readonly isLast: boolean }): Promise<void>
  /** Removes the files. Harmless when they are gone. */
  remove(name: string): Promise<void>
}
