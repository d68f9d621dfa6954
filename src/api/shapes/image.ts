import type { ImageInspect, ImageSummary } from '#spec/docker/image.ts'
import type { ApiVersion } from '../http/versions.ts'

/** A listed image as a version of the API shows it. */
export function shapeImageSummary(image: ImageSummary, version: ApiVersion): object {
  const shared = {
    ...image,
    // As dockerd: null for none.
    Labels: Object.keys(image.Labels).length === 0 ? null : image.Labels,
  }
  if (version >= 48) return shared
  const { Descriptor: _, Manifests, ...shown } = shared
  const isNameless = image.RepoTags.length === 0 && image.RepoDigests.length === 0
  return {
    ...shown,
    ...(version >= 47 && Manifests && { Manifests }),
    ...(version < 44 && { VirtualSize: image.Size }),
    // Before 1.43 a missing name was written out.
    ...(version < 43 && isNameless && { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }),
    ...(version < 43 && !isNameless && image.RepoDigests.length === 0 && { RepoDigests: null }),
  }
}

/** Fields of a container's configuration that images never have, shown until 1.49. */
const LEGACY_CONFIG = {
  Hostname: '',
  Domainname: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: '',
}

/** Fields that were shown until 1.51 though they hold nothing. */
const EMPTY_CONFIG = {
  User: '',
  Env: null,
  Cmd: null,
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
}

/** An inspected image as a version of the API shows it. */
export function shapeImage(image: ImageInspect, version: ApiVersion): object {
  if (version >= 53) return image
  const { Identity: _, ...older } = image
  if (version === 52) return older
  const { Descriptor, Manifests, ...shown } = older
  const legacy = version < 50 ? { ...LEGACY_CONFIG, ...EMPTY_CONFIG } : EMPTY_CONFIG
  return {
    ...shown,
    ...(version >= 48 && Descriptor && { Descriptor }),
    ...(version >= 48 && Manifests && { Manifests }),
    Parent: '',
    DockerVersion: '',
    Comment: image.Comment ?? '',
    Author: image.Author ?? '',
    Config: { ...legacy, ...image.Config },
    ...(version < 45 && { ContainerConfig: legacy }),
    ...(version < 44 && { VirtualSize: image.Size }),
  }
}
