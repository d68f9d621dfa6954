import { shortId } from '#base/ids.ts'
import { ellipsis, humanSize } from '../format/units.ts'
import { type RowField, Row } from '../template/row.ts'
import { type Exploration, type ExploredLayer, changesOf, efficiency, filesUpTo } from './exploration.ts'

/** How many of the largest wasted files the summary names. */
const WASTED_SHOWN = 10

export const LAYER_TABLE =
  '{{.Number}}\t{{.Size}}\t{{.Added}}\t{{.Changed}}\t{{.Removed}}\t{{.Hides}}\t{{.CreatedBy}}'

export const LAYER_HEADERS: Readonly<Record<string, string>> = {
  Number: 'LAYER',
  Size: 'SIZE',
  Added: 'ADDED',
  Changed: 'CHANGED',
  Removed: 'REMOVED',
  Hides: 'HIDES',
  CreatedBy: 'CREATED BY',
  DiffID: 'DIFF ID',
  Created: 'CREATED',
  Comment: 'COMMENT',
}

/** A layer as a line of the table. */
export function layerRow(layer: ExploredLayer, { truncate }: { truncate: boolean }): Row {
  const createdBy = layer.CreatedBy.replaceAll(/\s+/g, ' ')
  const fields: Record<string, RowField> = {
    Number: layer.number,
    Size: humanSize(layer.Size, 3),
    Added: layer.added,
    Changed: layer.changed,
    Removed: layer.removed,
    Hides: humanSize(layer.hidesBytes, 3),
    CreatedBy: truncate ? ellipsis(createdBy, 60) : createdBy,
    DiffID: layer.DiffID,
    Created: layer.Created ?? '',
    Comment: layer.Comment,
  }
  return new Row('image.layerContext', fields)
}

/** What stands above the table. */
export function headline(explored: Exploration): string {
  const count = explored.layers.length
  return `${explored.name}  ${shortId(explored.id)}  ${humanSize(explored.sizeBytes, 3)} in ${count} layer${count === 1 ? '' : 's'}, ${humanSize(explored.wastedBytes, 3)} wasted (${percent(explored)} efficient)`
}

export const percent = (explored: Exploration): string => `${Math.floor(efficiency(explored) * 100)}%`

/** What stands below the table: the files whose bytes nobody can see. */
export function wastedText({ wasted }: Pick<Exploration, 'wasted'>): string {
  if (wasted.length === 0) return ''
  const lines = wasted
    .slice(0, WASTED_SHOWN)
    .map(({ path, times, sizeBytes }) => `${humanSize(sizeBytes, 3).padStart(8)}  ${times}×  /${path}`)
  const more = wasted.length - lines.length
  if (more > 0) lines.push(`          and ${more} more`)
  return `\nWasted: in a layer, and hidden by a later one\n${lines.join('\n')}\n`
}

/** All of it, for programs. */
export function explorationJson(explored: Exploration): object {
  return {
    Name: explored.name,
    Id: explored.id,
    Size: explored.sizeBytes,
    Wasted: explored.wastedBytes,
    Efficiency: efficiency(explored),
    Layers: explored.layers.map((layer, index) => ({
      Number: layer.number,
      DiffID: layer.DiffID,
      Size: layer.Size,
      CreatedBy: layer.CreatedBy,
      Created: layer.Created,
      Added: layer.added,
      Changed: layer.changed,
      Removed: layer.removed,
      Hides: layer.hidesBytes,
      Changes: changesOf(filesUpTo(explored, index)),
    })),
    WastedFiles: explored.wasted.map(({ path, times, sizeBytes }) => ({
      Path: `/${path}`,
      Times: times,
      Size: sizeBytes,
    })),
  }
}
