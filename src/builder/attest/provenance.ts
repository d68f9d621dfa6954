import type { BuildOptions } from '#spec/docker/options.ts'
import type { Attestation } from '../export/image-set.ts'
import { type BuildPlatform, platformText } from '../state.ts'
import type { Material } from './materials.ts'

/** What provenance is told from. */
export interface ProvenanceFacts {
  readonly options: BuildOptions
  readonly mode: 'min' | 'max'
  readonly dockerfile: string
  readonly materials: readonly Material[]
  readonly hostPlatform: BuildPlatform
  readonly platform: BuildPlatform
  /** RFC 3339; null where the build shall be reproducible. */
  readonly startedOn: string | null
  readonly finishedOn: string | null
  readonly invocationId: string | null
}

/**
 * How an image came to be (slsa.dev/spec/v1.0/provenance). `min` has no build arguments and no Dockerfile, as both may
 * hold what is not for everyone.
 */
export function provenanceAttestation(facts: ProvenanceFacts): Attestation {
  const { options, mode, materials } = facts
  const isMax = mode === 'max'
  const args = Object.entries(options.buildArgs).map(([name, value]) => [`build-arg:${name}`, value])
  const labels = Object.entries(options.labels).map(([name, value]) => [`label:${name}`, value])
  const predicate = {
    buildDefinition: {
      buildType: 'urn:wharf:build:dockerfile:v1',
      externalParameters: {
        configSource: {
          path: options.dockerfile === '' ? 'Dockerfile' : options.dockerfile,
          ...(options.remote === '' ? {} : { uri: options.remote }),
        },
        request: {
          ...(options.target === '' ? {} : { target: options.target }),
          platform: platformText(facts.platform),
          ...(isMax ? { args: Object.fromEntries([...args, ...labels]) } : {}),
        },
      },
      internalParameters: {
        builderPlatform: platformText(facts.hostPlatform),
        ...(isMax
          ? { dockerfile: { encoding: 'base64', content: Buffer.from(facts.dockerfile).toString('base64') } }
          : {}),
      },
      resolvedDependencies: materials,
    },
    runDetails: {
      builder: { id: 'urn:wharf:builder' },
      metadata: {
        ...(facts.invocationId === null ? {} : { invocationId: facts.invocationId }),
        ...(facts.startedOn === null ? {} : { startedOn: facts.startedOn }),
        ...(facts.finishedOn === null ? {} : { finishedOn: facts.finishedOn }),
      },
    },
  }
  return { predicateType: 'https://slsa.dev/provenance/v1', predicate }
}
