import type { Client } from '#client/client.ts'
import { command } from '../../core/command.ts'
import type { Context } from '../../core/context.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { renderList } from '../../format/list-format.ts'
import { errorText } from '../../program.ts'
import { figuresOf, statsHeaders, statsRow } from '../../rows/stats-row.ts'
import type { Figures } from '../../rows/stats-row.ts'
import { sparkline } from '../../rows/sparkline.ts'
import type { Row } from '../../template/row.ts'

const TABLE =
  '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}'
const REFRESH_MS = 500
const HISTORY = 30
/** How long the first picture waits for figures. */
const FIRST_MS = 2500

export default command({
  usage: '[OPTIONS] [CONTAINER...]',
  args: { min: 0, max: null },
  flags: {
    all: bool('Show containers that do not run too', { short: 'a' }),
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    'no-stream': bool('Print once and end'),
    'no-trunc': bool('Print everything in full'),
    plot: bool('Draw how CPU and memory have changed'),
  },
  async run(context, { args, flags, given }) {
    const client = await context.client()
    const format = given('format') ? flags.format : (context.config.file.statsFormat ?? '')
    const board = new Board({
      client,
      named: args,
      all: flags.all,
      truncate: !flags['no-trunc'],
      plot: flags.plot,
      format,
    })
    if (flags['no-stream']) {
      await board.once()
      const failed = board.failure()
      context.out.write(board.render())
      return failed
    }
    return live(context, board)
  },
})

async function live(context: Context, board: Board): Promise<number> {
  await board.follow()
  await board.firstFigures()
  for (;;) {
    const failed = board.failure()
    const text = board.render()
    // Lines are overwritten in place: clearing the screen first would make it flicker.
    context.out.write(context.out.isTty ? `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J` : text)
    if (failed !== 0) return failed
    if (board.isDone) return 0
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS))
  }
}

interface Seen {
  readonly asked: string
  id: string
  name: string
  figures: Figures | null
  readonly cpu: number[]
  readonly memory: number[]
  ended: boolean
}

interface BoardOptions {
  readonly client: Client
  readonly named: readonly string[]
  readonly all: boolean
  readonly truncate: boolean
  readonly plot: boolean
  readonly format: string
}

/** The containers that are shown, each with its latest figures. */
class Board {
  readonly #options: BoardOptions
  readonly #seen = new Map<string, Seen>()
  readonly #errors: string[] = []
  readonly #first: Promise<void>[] = []

  constructor(options: BoardOptions) {
    this.#options = options
  }

  /** Reads the figures of each container once. */
  async once(): Promise<void> {
    await Promise.all((await this.#targets()).map((seen) => this.#watch(seen, false)))
  }

  /** Starts to read on, and follows containers as they start and end when none was named. */
  async follow(): Promise<void> {
    const { client, named } = this.#options
    const targets = await this.#targets()
    for (const seen of targets) void this.#watch(seen, true)
    if (named.length > 0) return
    const events = async () => {
      for await (const event of client.system.events({
        filters: new Map([
          ['type', ['container']],
          ['event', ['start', 'die', 'destroy']],
        ]),
      })) {
        if (event.Action === 'start')
          void this.#watch(
            this.#add(event.Actor.ID, { id: event.Actor.ID, name: event.Actor.Attributes?.['name'] ?? '' }),
            true,
          )
        else if (!this.#options.all || event.Action === 'destroy') this.#seen.delete(event.Actor.ID)
      }
    }
    events().catch((error: unknown) => this.#errors.push(errorText(error)))
  }

  /** Waits until each container has figures, or has none to give. */
  async firstFigures(): Promise<void> {
    await Promise.race([Promise.all(this.#first), new Promise((resolve) => setTimeout(resolve, FIRST_MS))])
  }

  get isDone(): boolean {
    return this.#options.named.length > 0 && [...this.#seen.values()].every(({ ended }) => ended)
  }

  failure(): number {
    if (this.#errors.length > 0) throw new ExitError(1, this.#errors.join('\n'))
    return 0
  }

  render(): string {
    const { format, truncate, plot } = this.#options
    const rows: Row[] = [...this.#seen.values()].map((seen) => statsRow({ ...seen, truncate }))
    const text = renderList({ format, table: TABLE, headers: statsHeaders, rows })
    if (!plot) return text
    const wide = Math.max(4, ...[...this.#seen.values()].map(({ name }) => name.length))
    const charts = [...this.#seen.values()].map(({ name, cpu, memory }) => {
      const bare = name.replace(/^\//, '').padEnd(wide)
      return `${bare}  cpu ${sparkline(cpu, HISTORY)}  mem ${sparkline(memory, HISTORY)}`
    })
    return `${text}\n${charts.join('\n')}\n`
  }

  async #targets(): Promise<Seen[]> {
    const { client, named, all } = this.#options
    if (named.length > 0) return named.map((name) => this.#add(name, { id: '', name: '' }))
    const containers = await client.containers.list({ all })
    return containers.map(({ Id, Names }) => this.#add(Id ?? '', { id: Id ?? '', name: Names?.[0] ?? '' }))
  }

  #add(key: string, { id, name }: { id: string; name: string }): Seen {
    const asked = this.#options.named.length > 0 ? key : id.slice(0, 12)
    const seen: Seen = { asked, id, name, figures: null, cpu: [], memory: [], ended: false }
    this.#seen.set(key, seen)
    return seen
  }

  async #watch(seen: Seen, stream: boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#first.push(promise)
    try {
      for await (const stats of this.#options.client.containers.stats(seen.id === '' ? seen.asked : seen.id, {
        stream,
      })) {
        seen.id = stats.id ?? seen.id
        seen.name = stats.name ?? seen.name
        seen.figures = figuresOf(stats)
        seen.cpu.push(seen.figures.cpuPercent)
        seen.memory.push(seen.figures.memoryBytes)
        resolve()
      }
    } catch (error) {
      this.#errors.push(errorText(error))
    } finally {
      seen.ended = true
      resolve()
    }
  }
}
