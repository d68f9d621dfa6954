import type { Command } from './core/command.ts'

/** A command in the tree: help needs only what stands here; `load` brings the command itself. */
export interface Leaf {
  readonly name: string
  readonly short: string
  /** Further names under the same noun. */
  readonly aliases?: readonly string[]
  readonly hidden?: boolean
  load(): Promise<{ readonly default: Command }>
}

/** A noun with its commands. */
export interface Branch {
  readonly name: string
  readonly short: string
  readonly children: readonly Leaf[]
}

const containers: readonly Leaf[] = [
  {
    name: 'attach',
    short: 'Connect your terminal to a running container',
    load: () => import('./commands/container/attach.ts'),
  },
  {
    name: 'commit',
    short: 'Make an image of what changed in a container',
    load: () => import('./commands/container/commit.ts'),
  },
  {
    name: 'cp',
    short: 'Copy files between a container and this machine',
    load: () => import('./commands/container/cp.ts'),
  },
  {
    name: 'create',
    short: 'Make a container without starting it',
    load: () => import('./commands/container/create.ts'),
  },
  {
    name: 'diff',
    short: 'List what a container changed in its file system',
    load: () => import('./commands/container/diff.ts'),
  },
  {
    name: 'exec',
    short: 'Run a command in a running container',
    load: () => import('./commands/container/exec.ts'),
  },
  {
    name: 'export',
    short: "Write a container's file system as a tar archive",
    load: () => import('./commands/container/export.ts'),
  },
  {
    name: 'inspect',
    short: 'Show everything known of one or more containers',
    load: () => import('./commands/container/inspect.ts'),
  },
  {
    name: 'kill',
    short: 'Send a signal to one or more running containers',
    load: () => import('./commands/container/kill.ts'),
  },
  {
    name: 'logs',
    short: 'Show what a container has written',
    load: () => import('./commands/container/logs.ts'),
  },
  {
    name: 'ls',
    short: 'List containers',
    load: () => import('./commands/container/ls.ts'),
    aliases: ['list', 'ps'],
  },
  {
    name: 'pause',
    short: 'Freeze all processes of one or more containers',
    load: () => import('./commands/container/pause.ts'),
  },
  {
    name: 'port',
    short: "Show where a container's ports are published",
    load: () => import('./commands/container/port.ts'),
  },
  {
    name: 'prune',
    short: 'Remove all stopped containers',
    load: () => import('./commands/container/prune.ts'),
  },
  {
    name: 'rename',
    short: 'Give a container another name',
    load: () => import('./commands/container/rename.ts'),
  },
  {
    name: 'restart',
    short: 'Restart one or more containers',
    load: () => import('./commands/container/restart.ts'),
  },
  {
    name: 'rm',
    short: 'Remove one or more containers',
    load: () => import('./commands/container/rm.ts'),
    aliases: ['remove'],
  },
  {
    name: 'run',
    short: 'Make a container from an image and start it',
    load: () => import('./commands/container/run.ts'),
  },
  {
    name: 'start',
    short: 'Start one or more stopped containers',
    load: () => import('./commands/container/start.ts'),
  },
  {
    name: 'stats',
    short: 'Show what containers use, live',
    load: () => import('./commands/container/stats.ts'),
  },
  {
    name: 'stop',
    short: 'Stop one or more running containers',
    load: () => import('./commands/container/stop.ts'),
  },
  {
    name: 'top',
    short: 'List the processes of a container',
    load: () => import('./commands/container/top.ts'),
  },
  {
    name: 'unpause',
    short: 'Let the processes of one or more containers go on',
    load: () => import('./commands/container/unpause.ts'),
  },
  {
    name: 'update',
    short: 'Change the limits of one or more containers',
    load: () => import('./commands/container/update.ts'),
  },
  {
    name: 'wait',
    short: 'Wait until containers stop, then print their exit codes',
    load: () => import('./commands/container/wait.ts'),
  },
]

const images: readonly Leaf[] = [
  {
    name: 'build',
    short: 'Build an image from a Dockerfile',
    load: () => import('./commands/image/build.ts'),
  },
  {
    name: 'explore',
    short: 'Look around in the layers of an image',
    load: () => import('./commands/image/explore.ts'),
  },
  {
    name: 'history',
    short: 'Show how an image came to be',
    load: () => import('./commands/image/history.ts'),
  },
  {
    name: 'import',
    short: 'Make an image of a file system archive',
    load: () => import('./commands/image/import.ts'),
  },
  {
    name: 'inspect',
    short: 'Show everything known of one or more images',
    load: () => import('./commands/image/inspect.ts'),
  },
  {
    name: 'load',
    short: 'Load images from a tar archive or stdin',
    load: () => import('./commands/image/load.ts'),
  },
  { name: 'ls', short: 'List images', load: () => import('./commands/image/ls.ts'), aliases: ['list'] },
  { name: 'prune', short: 'Remove unused images', load: () => import('./commands/image/prune.ts') },
  {
    name: 'pull',
    short: 'Download an image from a registry',
    load: () => import('./commands/image/pull.ts'),
  },
  { name: 'push', short: 'Upload an image to a registry', load: () => import('./commands/image/push.ts') },
  {
    name: 'rm',
    short: 'Remove one or more images',
    load: () => import('./commands/image/rm.ts'),
    aliases: ['remove'],
  },
  {
    name: 'save',
    short: 'Write one or more images to a tar archive',
    load: () => import('./commands/image/save.ts'),
  },
  { name: 'tag', short: 'Give an image another name', load: () => import('./commands/image/tag.ts') },
  {
    name: 'tree',
    short: 'Show images with the layers they share',
    load: () => import('./commands/image/tree.ts'),
  },
]

const networks: readonly Leaf[] = [
  {
    name: 'connect',
    short: 'Connect a container to a network',
    load: () => import('./commands/network/connect.ts'),
  },
  { name: 'create', short: 'Create a network', load: () => import('./commands/network/create.ts') },
  {
    name: 'disconnect',
    short: 'Take a container off a network',
    load: () => import('./commands/network/disconnect.ts'),
  },
  {
    name: 'inspect',
    short: 'Show everything known of one or more networks',
    load: () => import('./commands/network/inspect.ts'),
  },
  { name: 'ls', short: 'List networks', load: () => import('./commands/network/ls.ts'), aliases: ['list'] },
  { name: 'prune', short: 'Remove all unused networks', load: () => import('./commands/network/prune.ts') },
  {
    name: 'rm',
    short: 'Remove one or more networks',
    load: () => import('./commands/network/rm.ts'),
    aliases: ['remove'],
  },
]

const volumes: readonly Leaf[] = [
  { name: 'create', short: 'Create a volume', load: () => import('./commands/volume/create.ts') },
  {
    name: 'inspect',
    short: 'Show everything known of one or more volumes',
    load: () => import('./commands/volume/inspect.ts'),
  },
  { name: 'ls', short: 'List volumes', load: () => import('./commands/volume/ls.ts'), aliases: ['list'] },
  { name: 'prune', short: 'Remove unused volumes', load: () => import('./commands/volume/prune.ts') },
  {
    name: 'rm',
    short: 'Remove one or more volumes',
    load: () => import('./commands/volume/rm.ts'),
    aliases: ['remove'],
  },
  { name: 'update', short: 'Change a cluster volume', load: () => import('./commands/volume/update.ts') },
]

const system: readonly Leaf[] = [
  {
    name: 'check',
    short: 'Check this machine and the daemon',
    load: () => import('./commands/system/check.ts'),
  },
  { name: 'df', short: 'Show the disk space in use', load: () => import('./commands/system/df.ts') },
  {
    name: 'dial-stdio',
    short: 'Connect stdin and stdout to the daemon',
    load: () => import('./commands/system/dial-stdio.ts'),
    hidden: true,
  },
  {
    name: 'events',
    short: 'Show what happens in the daemon, live',
    load: () => import('./commands/system/events.ts'),
  },
  {
    name: 'info',
    short: 'Show facts about the daemon and its machine',
    load: () => import('./commands/system/info.ts'),
  },
  { name: 'prune', short: 'Remove what is not in use', load: () => import('./commands/system/prune.ts') },
]

const contexts: readonly Leaf[] = [
  { name: 'create', short: 'Create a context', load: () => import('./commands/context/create.ts') },
  {
    name: 'export',
    short: 'Write a context to a tar archive',
    load: () => import('./commands/context/export.ts'),
  },
  {
    name: 'import',
    short: 'Read a context from a tar or zip archive',
    load: () => import('./commands/context/import.ts'),
  },
  {
    name: 'inspect',
    short: 'Show everything known of one or more contexts',
    load: () => import('./commands/context/inspect.ts'),
  },
  { name: 'ls', short: 'List contexts', load: () => import('./commands/context/ls.ts'), aliases: ['list'] },
  {
    name: 'rm',
    short: 'Remove one or more contexts',
    load: () => import('./commands/context/rm.ts'),
    aliases: ['remove'],
  },
  {
    name: 'show',
    short: 'Print the name of the current context',
    load: () => import('./commands/context/show.ts'),
  },
  { name: 'update', short: 'Change a context', load: () => import('./commands/context/update.ts') },
  { name: 'use', short: 'Make a context the current one', load: () => import('./commands/context/use.ts') },
]

const builder: readonly Leaf[] = [
  {
    name: 'build',
    short: 'Build an image from a Dockerfile',
    load: () => import('./commands/image/build.ts'),
  },
  {
    name: 'explain',
    short: 'Show why the steps of a build were taken from the cache or not',
    load: () => import('./commands/builder/explain.ts'),
  },
  {
    name: 'history',
    short: 'List past builds, or show the log of one',
    load: () => import('./commands/builder/history.ts'),
  },
  { name: 'prune', short: 'Remove build cache', load: () => import('./commands/builder/prune.ts') },
]

/** The nouns. */
export const branches: readonly Branch[] = [
  { name: 'builder', short: 'Manage builds', children: builder },
  { name: 'container', short: 'Manage containers', children: containers },
  { name: 'context', short: 'Manage contexts', children: contexts },
  { name: 'image', short: 'Manage images', children: images },
  { name: 'network', short: 'Manage networks', children: networks },
  { name: 'system', short: 'Manage the daemon', children: system },
  { name: 'volume', short: 'Manage volumes', children: volumes },
]

/** The commands that stand without a noun; `of` is the same command under its noun. */
export interface TopLevel extends Leaf {
  readonly of: string | null
}

const short = (
  noun: readonly Leaf[],
  name: string,
  { as = name, of }: { as?: string; of: string },
): TopLevel => {
  const leaf = noun.find((candidate) => candidate.name === name) as Leaf
  const { aliases: _, ...rest } = leaf
  return { ...rest, name: as, of: `${of} ${name}` }
}

/** All commands of the first level. */
export const topLevel: readonly TopLevel[] = [
  short(containers, 'attach', { of: 'container' }),
  short(containers, 'commit', { of: 'container' }),
  short(containers, 'cp', { of: 'container' }),
  short(containers, 'create', { of: 'container' }),
  short(containers, 'diff', { of: 'container' }),
  short(containers, 'exec', { of: 'container' }),
  short(containers, 'export', { of: 'container' }),
  {
    name: 'inspect',
    short: 'Show everything known of objects of any kind',
    of: null,
    load: () => import('./commands/inspect.ts'),
  },
  short(containers, 'kill', { of: 'container' }),
  short(containers, 'logs', { of: 'container' }),
  short(containers, 'ls', { as: 'ps', of: 'container' }),
  short(containers, 'pause', { of: 'container' }),
  short(containers, 'port', { of: 'container' }),
  short(containers, 'rename', { of: 'container' }),
  short(containers, 'restart', { of: 'container' }),
  short(containers, 'rm', { of: 'container' }),
  short(containers, 'run', { of: 'container' }),
  short(containers, 'start', { of: 'container' }),
  short(containers, 'stats', { of: 'container' }),
  short(containers, 'stop', { of: 'container' }),
  short(containers, 'top', { of: 'container' }),
  short(containers, 'unpause', { of: 'container' }),
  short(containers, 'update', { of: 'container' }),
  short(containers, 'wait', { of: 'container' }),
  short(images, 'build', { of: 'image' }),
  short(images, 'history', { of: 'image' }),
  short(images, 'import', { of: 'image' }),
  short(images, 'load', { of: 'image' }),
  short(images, 'ls', { as: 'images', of: 'image' }),
  short(images, 'pull', { of: 'image' }),
  short(images, 'push', { of: 'image' }),
  short(images, 'rm', { as: 'rmi', of: 'image' }),
  short(images, 'save', { of: 'image' }),
  short(images, 'tag', { of: 'image' }),
  short(system, 'events', { of: 'system' }),
  short(system, 'info', { of: 'system' }),
  {
    name: 'search',
    short: 'Search a registry for images',
    of: null,
    load: () => import('./commands/search.ts'),
  },
  { name: 'login', short: 'Log in to a registry', of: null, load: () => import('./commands/login.ts') },
  { name: 'logout', short: 'Log out of a registry', of: null, load: () => import('./commands/logout.ts') },
  {
    name: 'version',
    short: 'Show the versions of client and daemon',
    of: null,
    load: () => import('./commands/version.ts'),
  },
  {
    name: 'ports',
    short: 'Show all published ports of this machine',
    of: null,
    load: () => import('./commands/ports.ts'),
  },
  {
    name: 'completion',
    short: 'Print a completion script for a shell',
    of: null,
    load: () => import('./commands/completion.ts'),
  },
]
