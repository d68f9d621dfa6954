import { newId } from '#base/ids.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { BuildOptions } from '#spec/docker/options.ts'
import type { BuilderParts } from '../builder-parts.ts'
import type { Attestation } from '../export/image-set.ts'
import type { BuildState } from '../state.ts'
import { findPackages } from './find-packages.ts'
import type { Material } from './materials.ts'
import { provenanceAttestation } from './provenance.ts'
import { spdxAttestation } from './spdx.ts'

/** Which attestations a build shall have. */
export interface AskedAttestations {
  readonly provenance: { readonly mode: 'min' | 'max' } | null
  readonly sbom: boolean
}

/** Reads the attestations of a request, by type with their attributes. @throws InvalidArgumentError */
export function parseAttestations(given: Readonly<Record<string, string>>): AskedAttestations {
  let asked: AskedAttestations = { provenance: null, sbom: false }
  for (const [type, text] of Object.entries(given)) {
    const fields = new Map<string, string>()
    for (const part of text.split(',').filter((field) => field !== '')) {
      const [name = '', value = 'true'] = part.split('=', 2)
      fields.set(name, value)
    }
    const isOff = fields.get('disabled') === 'true'
    if (type === 'provenance') asked = { ...asked, provenance: isOff ? null : { mode: modeOf(fields) } }
    else if (type === 'sbom') {
      if (fields.has('generator'))
        throw new InvalidArgumentError(
          'attest sbom: generator images are not supported: packages are read in process',
        )
      asked = { ...asked, sbom: !isOff }
    } else throw new InvalidArgumentError(`unknown attestation type ${JSON.stringify(type)}`)
  }
  return asked
}

function modeOf(fields: ReadonlyMap<string, string>): 'min' | 'max' {
  const mode = fields.get('mode') ?? 'min'
  if (mode !== 'min' && mode !== 'max')
    throw new InvalidArgumentError(`invalid mode ${JSON.stringify(mode)} for provenance`)
  return mode
}

/** Makes the attestations of one result. */
export async function attest(
  state: BuildState,
  asked: AskedAttestations,
  at: {
    readonly parts: BuilderParts
    readonly options: BuildOptions
    readonly dockerfile: string
    readonly materials: readonly Material[]
    readonly startedOn: string
    /** SOURCE_DATE_EPOCH; null where times are as they are. */
    readonly clampMs: number | null
    readonly signal: AbortSignal
  },
): Promise<readonly Attestation[]> {
  const { parts, options, clampMs } = at
  const made: Attestation[] = []
  const now = new Date(clampMs ?? Date.now()).toISOString()
  if (asked.sbom) {
    await using mounted = await parts.roots.mount(state.layers)
    const packages = await findPackages(mounted.root, at.signal)
    made.push(spdxAttestation(packages, { name: options.tags[0] ?? 'image', created: now }))
  }
  if (asked.provenance !== null) {
    const { mode } = asked.provenance
    const isReproducible = clampMs !== null
    made.push(
      provenanceAttestation({
        options,
        mode,
        dockerfile: at.dockerfile,
        materials: at.materials,
        hostPlatform: parts.hostPlatform,
        platform: state.platform,
        startedOn: isReproducible ? null : at.startedOn,
        finishedOn: isReproducible ? null : now,
        invocationId: isReproducible ? null : newId(),
      }),
    )
  }
  return made
}
