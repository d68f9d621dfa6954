import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import { limitProject, projectOf, setProject } from '#kernel/project-quota.ts'
import type { SnapshotPlace } from './driver.ts'
import { type Quotas, requestedSize } from './quotas.ts'

/** Projects below are left to people. */
const FIRST_PROJECT = 1_048_576

/**
 * Limits by project quotas: the snapshot's directory is a project of its own. overlayfs renames from `work` to
 * `upper`, which the kernel allows within one project only, so both are given to it.
 */
export class ProjectQuotas implements Quotas {
  readonly #snapshots: string
  readonly #refusal: string
  /** In use, read from the directories when first needed. */
  #projects: Map<string, number> | null = null

  /** @param options.refusal what a client is told where the file system has no such quotas */
  constructor(options: { snapshots: string; refusal: string }) {
    this.#snapshots = options.snapshots
    this.#refusal = options.refusal
  }

  apply(place: SnapshotPlace): void {
    const sizeBytes = requestedSize(place.storageOptions)
    if (sizeBytes === null) return
    const projects = this.#known()
    const taken = new Set(projects.values())
    let project = FIRST_PROJECT
    while (taken.has(project)) project += 1
    try {
      limitProject(place.directory, project, sizeBytes)
      for (const name of ['upper', 'work', '.']) setProject(join(place.directory, name), project)
    } catch (error) {
      throw new InvalidArgumentError(this.#refusal, { cause: error })
    }
    projects.set(place.id, project)
  }

  forget(place: SnapshotPlace): void {
    if (Object.keys(place.storageOptions).length === 0 || !existsSync(place.directory)) return
    const project = this.#known().get(place.id)
    if (project === undefined) return
    limitProject(place.directory, project, 0)
    this.#projects?.delete(place.id)
  }

  #known(): Map<string, number> {
    if (this.#projects !== null) return this.#projects
    this.#projects = new Map()
    for (const id of readdirSync(this.#snapshots)) {
      const project = readProject(join(this.#snapshots, id))
      if (project >= FIRST_PROJECT) this.#projects.set(id, project)
    }
    return this.#projects
  }
}

function readProject(directory: string): number {
  try {
    return projectOf(directory)
  } catch {
    // No projects on this file system: then there are none in use.
    return 0
  }
}
