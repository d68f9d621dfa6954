import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { run, type CliResult, type Engine } from '../support/engine.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { until } from '../support/until.ts'
import { onBoth } from './both.ts'

const PORT = 18_097

/** Three services, two networks: `db` is only in the back, `web` in both, `probe` waits for both and looks. */
const project = `
version: "2.4"
services:
  db:
    image: busybox
    command: sh -c 'mkdir -p /data/www; echo stored > /data/www/index.html; touch /data/ready; exec httpd -f -p 5432 -h /data/www'
    volumes: ["data:/data"]
    networks: {back: {aliases: [database, storage]}}
    healthcheck: {test: ["CMD", "test", "-f", "/data/ready"], interval: 500ms, retries: 60, timeout: 10s}
  web:
    image: busybox
    command: sh -c 'mkdir /www; wget -qO /www/index.html http://database:5432/ && exec httpd -f -p 80 -h /www'
    depends_on: {db: {condition: service_healthy}}
    ports: ["${PORT}:80", "80"]
    networks:
      front: {ipv4_address: 10.97.3.10}
      back: {}
    healthcheck: {test: "wget -qO- http://127.0.0.1/", interval: 500ms, retries: 60, timeout: 10s}
  probe:
    image: busybox
    command: sh -c 'wget -qO- http://web/; exec sleep 1000'
    depends_on: {web: {condition: service_healthy}}
    networks: [front]
networks:
  front:
    ipam: {config: [{subnet: 10.97.3.0/24}]}
  back: {internal: true}
volumes: {data: {}}
`

const program = '/usr/bin/docker-compose'

await onBoth('docker-compose 1.29', (engine) => {
  test(
    'three services: names, health, scale, volumes, ports',
    { skip: existsSync(program) ? false : 'docker-compose is not installed' },
    async () => {
      const directory = scratchDirectory('v1')
      writeFileSync(`${directory}/docker-compose.yml`, project)
      const compose = async (...args: readonly string[]): Promise<string> => {
        const { exitCode, stdout, stderr } = await composeV1(engine(), directory, args)
        assert.equal(exitCode, 0, `docker-compose ${args.join(' ')}: ${stdout}${stderr}`)
        return stdout.trim()
      }
      const exec = (service: string, ...command: readonly string[]): Promise<CliResult> =>
        composeV1(engine(), directory, ['exec', '-T', service, ...command])
      try {
        await compose('up', '-d')
        await until('the probe has looked', async () =>
          /stored/.test(await compose('logs', '--no-color', 'probe')),
        )
        const { stdout } = await run([
          ...engine().networkPrefix,
          'curl',
          '-sS',
          '--max-time',
          '20',
          `http://127.0.0.1:${PORT}/`,
        ])
        assert.equal(stdout, 'stored\n')
        assert.match(await compose('port', 'web', '80'), /^0\.0\.0\.0:\d+$/)
        // Aliases answer in the back; the front knows nothing of it; the back has no way out.
        assert.equal((await exec('web', 'wget', '-qO-', 'http://storage:5432/')).stdout, 'stored\n')
        assert.notEqual((await exec('probe', 'nslookup', '-type=a', 'database')).exitCode, 0)
        assert.doesNotMatch((await exec('db', 'ip', 'route')).stdout, /^default/m)
        assert.match((await exec('web', 'ip', '-4', '-o', 'address')).stdout, / 10\.97\.3\.10\/24 /)
        await compose('up', '-d', '--scale', 'probe=3', '--no-recreate')
        assert.equal((await compose('ps', '-q', 'probe')).split('\n').length, 3)
        const names = (await exec('web', 'nslookup', '-type=a', 'probe')).stdout
        assert.equal(new Set(names.match(/^Address: 10\.97\.3\.\d+$/gm)).size, 3)
        await compose('restart', '-t', '0', 'web')
        await until(
          'web serves again',
          async () => (await exec('probe', 'wget', '-qO-', 'http://web/')).stdout === 'stored\n',
        )
        // What is stored outlives the containers.
        await compose('down', '-t', '0')
        await compose('run', '--rm', '--no-deps', 'db', 'cat', '/data/www/index.html').then((text) =>
          assert.match(text, /stored/),
        )
      } finally {
        await composeV1(engine(), directory, ['down', '-v', '-t', '0', '--remove-orphans'])
      }
      assert.equal(await engine().ok('ps', '-aq'), '')
      assert.equal(await engine().ok('volume', 'ls', '-q'), '')
      assert.equal(await engine().ok('network', 'ls', '-q', '--filter', 'type=custom'), '')
    },
  )
})

function composeV1(engine: Engine, directory: string, args: readonly string[]): Promise<CliResult> {
  return run(
    [
      program,
      '-p',
      'three',
      '--project-directory',
      directory,
      '-f',
      `${directory}/docker-compose.yml`,
      ...args,
    ],
    {
      env: { ...process.env, DOCKER_HOST: `unix://${engine.socketPath}`, COMPOSE_HTTP_TIMEOUT: '200' },
      timeoutMs: 180_000,
    },
  )
}
