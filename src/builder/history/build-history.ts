import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { NotFoundError } from '#errors/errors.ts'
import type { BuildEnd, PastBuild, PastBuildDetails, PastStep, StepReason } from '#spec/build-history.ts'
import type { Database } from '#store/database.ts'
import type { KeyParts } from '../solver/vertex.ts'
import type { RecordedBuild, RecordedStep } from './build-recorder.ts'
import { type EarlierStep, explainStep } from './explain-step.ts'

/** How many builds are kept. */
const MAX_BUILDS = 50

/** The tables of past builds. */
export const HISTORY_TABLES = `
  CREATE TABLE build_history (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    started_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    dockerfile TEXT NOT NULL,
    target TEXT NOT NULL,
    tags TEXT NOT NULL,
    platforms TEXT NOT NULL,
    result TEXT NOT NULL,
    error TEXT NOT NULL,
    image_id TEXT NOT NULL,
    step_count INTEGER NOT NULL,
    cached_count INTEGER NOT NULL,
    log BLOB NOT NULL
  ) STRICT;
  CREATE TABLE build_history_steps (
    build INTEGER NOT NULL REFERENCES build_history (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    platform TEXT NOT NULL,
    stage TEXT NOT NULL,
    text TEXT NOT NULL,
    before TEXT NOT NULL,
    name TEXT NOT NULL,
    cached INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    error TEXT NOT NULL,
    reason TEXT NOT NULL,
    explanation TEXT NOT NULL,
    parts BLOB NOT NULL,
    PRIMARY KEY (build, position)
  ) STRICT;
  CREATE INDEX build_history_steps_by_text ON build_history_steps (text);
  CREATE INDEX build_history_steps_by_before ON build_history_steps (before)`

interface BuildRow {
  number: number
  id: string
  started_ms: number
  duration_ms: number
  dockerfile: string
  target: string
  tags: string
  platforms: string
  result: BuildEnd
  error: string
  image_id: string
  step_count: number
  cached_count: number
  log: Uint8Array
}

interface StepRow {
  platform: string
  text: string
  name: string
  cached: number
  finished: number
  duration_ms: number
  error: string
  reason: StepReason
  explanation: string
  parts: Uint8Array
}

const pack = promisify(deflateRaw)
const unpack = promisify(inflateRaw)

/** The last builds, with the reasons of their steps. A build is written when it has ended, whole or not at all. */
export class BuildHistory {
  readonly #database: Database
  /** Builds are written one after the other: each is compared with those before it. */
  #writing: Promise<void> = Promise.resolve()

  constructor(database: Database) {
    this.#database = database
  }

  /** Keeps a build; who reads afterwards finds it. @throws Error of the database */
  keep(build: RecordedBuild): Promise<void> {
    // After what the event loop has to do for the client now.
    const written = this.#writing.then(() => setImmediate()).then(() => this.#write(build))
    this.#writing = written.catch(() => {})
    return written
  }

  /** The builds that are kept, newest first. */
  async list(): Promise<readonly PastBuild[]> {
    await this.#writing
    return (
      this.#database.prepare('SELECT * FROM build_history ORDER BY number DESC').all() as unknown[]
    ).map((row) => pastBuild(row as BuildRow))
  }

  /** A build by its id or the beginning of it. @throws NotFoundError, also when several begin like this */
  async get(id: string): Promise<PastBuildDetails> {
    await this.#writing
    const rows = this.#database
      .prepare('SELECT * FROM build_history WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2')
      .all(id) as unknown as BuildRow[]
    const [row] = rows
    if (row === undefined || rows.length > 1 || id === '') {
      const why =
        rows.length > 1 ? 'several begin like this' : `the last ${String(MAX_BUILDS)} builds are kept`
      throw new NotFoundError(`no such build: ${id}: ${why}`)
    }
    const steps = this.#database
      .prepare('SELECT * FROM build_history_steps WHERE build = ? ORDER BY position')
      .all(row.number) as unknown as StepRow[]
    return { ...pastBuild(row), Steps: steps.map(pastStep), Log: (await unpack(row.log)).toString('utf8') }
  }

  async #write(build: RecordedBuild): Promise<void> {
    const tags = JSON.stringify(build.tags)
    const rows: (string | number | Uint8Array)[][] = []
    for (const [position, step] of build.steps.entries()) {
      const { reason, explanation } = explainStep(step, {
        ...(await this.#earlier(step, tags)),
        noCacheFlag: build.noCacheFlag,
      })
      const { platform, stage, text, before, name, durationMs, error } = step
      const parts = await pack(JSON.stringify([...step.parts]))
      rows.push([
        ...[position, platform, stage, text, before, name, Number(step.cached), Number(step.finished)],
        ...[durationMs, error, reason, explanation, parts],
      ])
    }
    const log = await pack(build.log)
    const { id, startedMs, durationMs, dockerfile, target, platforms, result, error, imageId } = build
    const insert = this.#database.prepare(
      'INSERT INTO build_history VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    const insertStep = this.#database.prepare(
      'INSERT INTO build_history_steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    const forget = this.#database.prepare(
      'DELETE FROM build_history WHERE number NOT IN (SELECT number FROM build_history ORDER BY number DESC LIMIT ?)',
    )
    const cached = build.steps.filter((step) => step.cached).length
    this.#database.transaction(() => {
      const { lastInsertRowid } = insert.run(
        ...[id, startedMs, durationMs, dockerfile, target, tags, JSON.stringify(platforms)],
        ...[result, error, imageId, build.steps.length, cached, log],
      )
      for (const row of rows) insertStep.run(lastInsertRowid, ...row)
      forget.run(MAX_BUILDS)
    })
  }

  /** What to compare a step with: that of the newest build with the same names, else of the newest that has it. */
  async #earlier(
    step: RecordedStep,
    tags: string,
  ): Promise<{ readonly same: EarlierStep | null; readonly inPlace: string | null }> {
    if (step.lookup !== 'miss') return { same: null, inPlace: null }
    const { platform, text, before, stage } = step
    const nearest = (where: string): string => `
      SELECT steps.* FROM build_history_steps AS steps JOIN build_history AS builds ON builds.number = steps.build
      WHERE ${where} AND steps.platform = ?2
      ORDER BY (builds.tags = ?3) DESC, (steps.before = ?4) DESC, (steps.stage = ?5) DESC, builds.number DESC LIMIT 1`
    const row = this.#database
      .prepare(nearest('steps.text = ?1'))
      .get(text, platform, tags, before, stage) as StepRow | undefined
    if (row !== undefined) {
      const parts: KeyParts = new Map(
        JSON.parse((await unpack(row.parts)).toString('utf8')) as [string, string][],
      )
      return { same: { text: row.text, parts, finished: row.finished === 1 }, inPlace: null }
    }
    const inPlace = this.#database
      .prepare(nearest('steps.before = ?1'))
      .get(before, platform, tags, before, stage) as StepRow | undefined
    return { same: null, inPlace: inPlace?.text ?? null }
  }
}

function pastBuild(row: BuildRow): PastBuild {
  return {
    ID: row.id,
    StartedAt: new Date(row.started_ms).toISOString(),
    DurationMs: row.duration_ms,
    Dockerfile: row.dockerfile,
    Target: row.target,
    Tags: JSON.parse(row.tags) as string[],
    Platforms: JSON.parse(row.platforms) as string[],
    Result: row.result,
    Error: row.error,
    ImageID: row.image_id,
    StepCount: row.step_count,
    CachedCount: row.cached_count,
  }
}

function pastStep(row: StepRow): PastStep {
  return {
    Name: row.name,
    Platform: row.platform,
    Cached: row.cached === 1,
    DurationMs: row.duration_ms,
    Error: row.error,
    Reason: row.reason,
    Explanation: row.explanation,
  }
}
