import { writeFileSync } from 'node:fs'
import type { Engine } from '../support/engine.ts'
import { scratchDirectory } from '../support/scratch.ts'

/** One thing that a user asks of the daemon; may fail because the daemon dies in it, or because one before did. */
export type Step = { readonly name: string; readonly run: (engine: Engine) => Promise<unknown> }

const quick = { timeoutMs: 30_000 }

function cli(...args: readonly string[]): Step {
  return { name: args.join(' '), run: (engine) => engine.docker(...args, quick) }
}

/** Steps that lead through all that the daemon keeps on disk or in the kernel. */
export function workout(): readonly Step[] {
  const directory = scratchDirectory('b')
  writeFileSync(
    `${directory}/Dockerfile`,
    'FROM busybox\nCOPY Dockerfile /copied\nRUN --mount=type=cache,target=/c echo built > /built\n',
  )
  return [
    cli('volume', 'create', 'vol'),
    cli('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'mem'),
    cli('run', '--rm', '-v', 'mem:/m', 'busybox', 'true'),
    cli('volume', 'rm', 'mem'),
    cli(
      ...['run', '--name', 'told', '--log-driver', 'gelf', '--log-opt', 'gelf-address=udp://127.0.0.1:9'],
      ...['--log-opt', 'cache-max-size=10k', 'busybox', 'seq', '1000'],
    ),
    cli('rm', '-f', 'told'),
    cli('network', 'create', 'net'),
    cli('create', '--name', 'made', '-v', 'vol:/v', '-p', '18070:80', 'busybox', 'sleep', '1000'),
    cli('start', 'made'),
    cli('exec', 'made', 'touch', '/changed'),
    cli(
      'run',
      '-d',
      '--name',
      'second',
      '--network',
      'net',
      '--restart',
      'on-failure:1',
      'busybox',
      'sleep',
      '1000',
    ),
    cli('network', 'connect', 'net', 'made'),
    cli('network', 'disconnect', 'net', 'made'),
    cli('update', '--cpu-shares', '300', 'made'),
    {
      name: 'update --publish-rm --publish-add',
      // The connection breaks when the daemon dies.
      run: (engine) =>
        engine
          .api('POST', '/containers/made/update', {
            PublishRemove: { '80/tcp': [] },
            PublishAdd: { '81/tcp': [{ HostIp: '', HostPort: '18070' }] },
          })
          .catch(() => null),
    },
    cli('rename', 'second', 'renamed'),
    cli('pause', 'renamed'),
    cli('unpause', 'renamed'),
    cli('commit', 'made', 'crash:1'),
    cli('tag', 'crash:1', 'crash:2'),
    cli('stop', '-t', '0', 'made'),
    cli('restart', '-t', '0', 'renamed'),
    {
      name: 'build',
      run: (engine) =>
        engine.docker('build', '-t', 'crash:3', directory, { ...quick, env: { DOCKER_BUILDKIT: '0' } }),
    },
    cli('save', '-o', `${directory}/saved.tar`, 'crash:2'),
    cli('rmi', '-f', 'crash:1', 'crash:2'),
    cli('load', '-i', `${directory}/saved.tar`),
    cli('run', '--rm', 'crash:3', 'cat', '/built'),
    cli('run', '--name', 'gone', '--network', 'none', 'busybox', 'true'),
    cli('rm', '-v', 'gone'),
    cli('rm', '-f', 'renamed'),
    cli('rm', '-v', 'made'),
    cli('volume', 'rm', 'vol'),
    cli('network', 'rm', 'net'),
    cli('rmi', '-f', 'crash:2', 'crash:3'),
    cli('image', 'prune', '-f'),
    cli('builder', 'prune', '-af'),
  ]
}
