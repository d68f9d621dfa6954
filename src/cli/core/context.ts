import type { Client } from '#client/client.ts'
import type { CliConfig } from '../config.ts'
import type { Output } from './output.ts'

/** What a command works with. */
export interface Context {
  readonly out: Output
  readonly err: Output
  readonly config: CliConfig
  /** The values of the flags before the command. */
  readonly globals: Readonly<Record<string, unknown>>
  /** The command as it was called, without the program's name: `ps`, `container ls`. */
  readonly invokedAs: string
  /** The daemon of the chosen context; starts one when none runs at the default address. */
  client(): Promise<Client>
}
