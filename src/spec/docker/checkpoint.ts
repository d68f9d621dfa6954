/** `POST /containers/{id}/checkpoints` (moby, api/types/checkpoint). */
export interface CheckpointCreateRequest {
  readonly CheckpointID?: string | null
  /** Where to keep it; empty for the container's own directory. */
  readonly CheckpointDir?: string | null
  /** The container ends with it. */
  readonly Exit?: boolean | null
}

export interface CheckpointSummary {
  readonly Name: string
}
