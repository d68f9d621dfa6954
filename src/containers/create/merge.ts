import { InvalidArgumentError } from '#errors/errors.ts'
import type { ContainerConfig, HealthConfig, ImageConfig } from '#spec/docker/container-config.ts'
import { cleanPath } from './parse-bind.ts'

/**
 * The user's configuration with what the image says where the user said nothing, by Docker's rules:
 * an entrypoint of the user's hides the image's command; `[""]` takes the image's entrypoint away.
 * @throws InvalidArgumentError when there is nothing to run.
 */
export function mergeConfig(user: ContainerConfig, image: ImageConfig): ContainerConfig {
  const entrypoint = asList(user.Entrypoint)
  const command = asList(user.Cmd)
  const ownEntrypoint = entrypoint !== null && entrypoint.length > 0
  let mergedEntrypoint = ownEntrypoint ? entrypoint : (entrypoint ?? asList(image.Entrypoint))
  const mergedCommand =
    !ownEntrypoint && (command === null || command.length === 0) ? asList(image.Cmd) : command
  if (mergedEntrypoint?.length === 1 && mergedEntrypoint[0] === '') mergedEntrypoint = null
  if ((mergedEntrypoint?.length ?? 0) === 0 && (mergedCommand?.length ?? 0) === 0) {
    throw new InvalidArgumentError('no command specified')
  }
  return {
    ...user,
    User: user.User || image.User || '',
    Env: mergeEnv(user.Env ?? [], image.Env ?? []),
    Cmd: mergedCommand,
    Entrypoint: mergedEntrypoint,
    WorkingDir: cleanDirectory(user.WorkingDir || image.WorkingDir || ''),
    Labels: { ...image.Labels, ...user.Labels },
    ...nonEmpty('ExposedPorts', { ...image.ExposedPorts, ...user.ExposedPorts }),
    Volumes: nullWhenEmpty({ ...image.Volumes, ...user.Volumes }),
    ...whenSet('StopSignal', user.StopSignal || image.StopSignal),
    ...whenSet('Healthcheck', mergeHealth(user.Healthcheck, image.Healthcheck)),
    ...whenSet('Shell', user.Shell ?? image.Shell),
    ...whenSet('OnBuild', image.OnBuild),
  }
}

function cleanDirectory(path: string): string {
  return path === '' ? '' : cleanPath(path)
}

/** The API takes a command as a list or as one string. */
function asList(value: readonly string[] | string | null | undefined): readonly string[] | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? (value === '' ? [] : [value]) : value
}

/** The user's variables first, then those of the image that the user did not name; as Docker orders them. */
function mergeEnv(user: readonly string[], image: readonly string[]): readonly string[] {
  const named = new Set(user.map(variableName))
  return [...user, ...image.filter((entry) => !named.has(variableName(entry)))]
}

function variableName(entry: string): string {
  const equals = entry.indexOf('=')
  return equals < 0 ? entry : entry.slice(0, equals)
}

function mergeHealth(
  user: HealthConfig | null | undefined,
  image: HealthConfig | null | undefined,
): HealthConfig | null {
  if (user === null || user === undefined) return image ?? null
  if (image === null || image === undefined) return user
  return {
    Test: (user.Test?.length ?? 0) > 0 ? (user.Test ?? null) : (image.Test ?? null),
    Interval: user.Interval || image.Interval || 0,
    Timeout: user.Timeout || image.Timeout || 0,
    StartPeriod: user.StartPeriod || image.StartPeriod || 0,
    StartInterval: user.StartInterval || image.StartInterval || 0,
    Retries: user.Retries || image.Retries || 0,
  }
}

function whenSet<K extends string, T>(key: K, value: T): Partial<Record<K, NonNullable<T>>> {
  if (value === null || value === undefined || (value as unknown) === '') return {}
  return { [key]: value } as Record<K, NonNullable<T>>
}

function nonEmpty<K extends string, T extends object>(key: K, value: T): Partial<Record<K, T>> {
  return Object.keys(value).length === 0 ? {} : ({ [key]: value } as Record<K, T>)
}

function nullWhenEmpty<T extends object>(value: T): T | null {
  return Object.keys(value).length === 0 ? null : value
}
