import type { ImageInspect, ImageSummary } from '#spec/docker/image.ts'
import type { ApiVersion } from '../http/versions.ts'

/** A listed image as a version of the API shows it. */
export function shapeImageSummary(image: ImageSummary, version: ApiVersion): object {
  if (version >= 48) return image
  const { Descriptor: _, Manifests, ...shown } = image
  return {
    ...shown,
    ...(version >= 47 && Manifests && { Manifests }),
    ...(version < 44 && { VirtualSize: image.Size }),
    // Before 1.43 a missing name was written out.
    ...(version < 43 && image.RepoTags.length === 0 && { RepoTags: ['<none>:<none>'] }),
    ...(version < 43 && image.RepoDigests.length === 0 && { RepoDigests: ['<none>@<none>'] }),
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

/** An inspected image as a version of the API shows it. */
export function shapeImage(image: ImageInspect, version: ApiVersion): object {
  if (version >= 52) return image
  const { Identity: _, Descriptor, Manifests, ...shown } = image
  return {
    ...shown,
    ...(version >= 48 && Descriptor && { Descriptor }),
    ...(version >= 48 && Manifests && { Manifests }),
    Parent: '',
    DockerVersion: '',
    Comment: image.Comment ?? '',
    Author: image.Author ?? '',
    ...(version < 50 && {
      Config: {
        ...LEGACY_CONFIG,
        User: '',
        Env: null,
        Cmd: null,
        Volumes: null,
        WorkingDir: '',
        Entrypoint: null,
        OnBuild: null,
        Labels: null,
        ...image.Config,
      },
    }),
    ...(version < 45 && { Container: '', ContainerConfig: { ...LEGACY_CONFIG } }),
    ...(version < 44 && { VirtualSize: image.Size }),
  }
}
