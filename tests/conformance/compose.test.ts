import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { run, type CliOptions, type Engine } from '../support/engine.ts'
import { made } from '../support/peers.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { onBoth } from './both.ts'

const project = `
services:
  web:
    image: busybox
    command: sh -c 'echo page > /data/index.html; exec httpd -f -p 80 -h /data'
    ports: ["18095:80"]
    volumes: ["data:/data"]
    healthcheck: {test: "wget -qO- http://127.0.0.1/index.html", interval: 500ms, retries: 60, timeout: 10s}
  client:
    image: busybox
    command: sh -c 'nc web 80 < /dev/null; echo reached; exec sleep 1000'
    environment: {A: "1"}
    depends_on: {web: {condition: service_healthy}}
    labels: {role: client}
volumes: {data: {}}
`

await onBoth('compose v2', (engine) => {
  test('up, ps, exec, logs, scale, restart, down', async (t) => {
    const { path, missing } = made('sid')
    if (missing !== false) {
      t.skip(missing)
      return
    }
    const directory = scratchDirectory('p')
    const options = withPlugins(path, directory)
    const compose = (...args: string[]): Promise<string> =>
      engine().ok('compose', '-p', 'proj', ...args, options)
    writeFileSync(`${directory}/compose.yaml`, project)
    try {
      await compose('up', '-d', '--wait')
      assert.deepEqual(
        (await compose('ps', '--format', '{{.Service}} {{.State}} {{.Health}}')).split('\n').sort(),
        ['client running ', 'web running healthy'],
      )
      assert.equal(await compose('exec', '-T', 'client', 'sh', '-c', 'echo $A'), '1')
      assert.match(await compose('logs', '--no-log-prefix', 'client'), /reached/)
      assert.match(await page(engine()), /page/)
      await compose('up', '-d', '--scale', 'client=2', '--no-recreate')
      assert.equal((await compose('ps', '-q', 'client')).split('\n').length, 2)
      await compose('restart', '-t', '0', 'client')
    } finally {
      await engine().docker('compose', '-p', 'proj', 'down', '-v', '-t', '0', options)
    }
    assert.equal(await engine().ok('ps', '-aq'), '')
    assert.equal(await engine().ok('volume', 'ls', '-q'), '')
    assert.equal(await engine().ok('network', 'ls', '-q', '--filter', 'type=custom'), '')
  })
})

/** The CLI finds the plugins of the sid root through a configuration of its own. */
function withPlugins(root: string, cwd: string): CliOptions {
  const config = `${cwd}/.docker`
  mkdirSync(`${config}/cli-plugins`, { recursive: true })
  symlinkSync(`${root}/usr/libexec/docker/cli-plugins/docker-compose`, `${config}/cli-plugins/docker-compose`)
  return { cwd, env: { DOCKER_CONFIG: config, COMPOSE_PROGRESS: 'plain' } }
}

async function page(engine: Engine): Promise<string> {
  return (await run([...engine.networkPrefix, 'curl', '-fsS', '--max-time', '10', 'http://127.0.0.1:18095/']))
    .stdout
}
