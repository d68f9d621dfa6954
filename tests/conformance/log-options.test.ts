import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Engine } from '../support/engine.ts'
import { make } from '../support/peers.ts'
import { ReferenceDockerd } from '../support/reference.ts'
import { Wharfd } from '../support/wharfd.ts'

const GELF_UDP = 'gelf-address=udp://h:1'
const GELF_TCP = 'gelf-address=tcp://h:1'
const SPLUNK = 'splunk-url=http://127.0.0.1:1 splunk-token=t'
const GROUP = 'awslogs-group=g'

/**
 * Log drivers and their options, a set each line. Both engines say the same at the creation of a container; those of `STARTED` also at
 * its start. Where a container would start only if its sink is up, dockerd refuses and wharfd does not: that is not compared.
 */
const CREATED = `
nosuch
json-file mode=x
json-file max-buffer-size=1m
json-file mode=non-blocking max-buffer-size=zz
json-file mode=non-blocking max-buffer-size=1m
json-file cache-disabled=x
json-file nosuch=1
local nosuch=1
local labels=x
none nosuch=x
syslog cache-disabled=x
syslog cache-nosuch=1
syslog syslog-address=x
syslog syslog-address=http://h:1
syslog syslog-address=unix:///no/such
syslog syslog-address=tcp://h
syslog syslog-facility=nope
syslog syslog-facility=99
syslog syslog-format=x
syslog nosuch=1
syslog labels=a env=b env-regex=c labels-regex=d tag=e
journald nosuch=1
gelf
gelf nosuch=1
gelf gelf-address=udp://h
gelf gelf-address=h:1
gelf gelf-address=http://h:1
gelf gelf-address=udp://h:x
gelf ${GELF_UDP} gelf-compression-type=x
gelf ${GELF_UDP} gelf-compression-level=x
gelf ${GELF_UDP} gelf-compression-level=11
gelf ${GELF_UDP} gelf-tcp-max-reconnect=1
gelf ${GELF_UDP} gelf-tcp-reconnect-delay=1
gelf ${GELF_TCP} gelf-compression-level=1
gelf ${GELF_TCP} gelf-compression-type=none
gelf ${GELF_TCP} gelf-tcp-max-reconnect=x
gelf ${GELF_TCP} gelf-tcp-reconnect-delay=-1
fluentd fluentd-address=x://h
fluentd fluentd-address=h:99999
fluentd fluentd-address=h:x
fluentd fluentd-address=tcp://h:1/path
fluentd fluentd-address=unix://
fluentd fluentd-async=x
fluentd fluentd-buffer-limit=x
fluentd fluentd-retry-wait=x
fluentd fluentd-max-retries=x
fluentd fluentd-sub-second-precision=x
fluentd fluentd-request-ack=x
fluentd fluentd-write-timeout=x
fluentd fluentd-async-reconnect-interval=x
fluentd fluentd-async-reconnect-interval=20s
fluentd fluentd-read-timeout=1s
splunk nosuch=1
awslogs
awslogs nosuch=1
awslogs ${GROUP} labels=x
awslogs ${GROUP} awslogs-create-group=x
awslogs ${GROUP} awslogs-force-flush-interval-seconds=0
awslogs ${GROUP} awslogs-max-buffered-events=x
awslogs ${GROUP} awslogs-datetime-format=%Y awslogs-multiline-pattern=x
awslogs ${GROUP} awslogs-format=x
awslogs ${GROUP} awslogs-format=json/emf awslogs-multiline-pattern=x`

const STARTED = `
none nosuch=x
json-file max-size=zz
json-file max-size=0
json-file max-size=-1 max-file=2
json-file max-file=0
json-file max-file=x
json-file max-file=3
json-file max-size=10k max-file=2 compress=true
json-file compress=true
json-file compress=x
json-file env-regex=(
json-file tag={{.Nope}}
json-file tag={{
local max-size=zz
local max-file=x
local max-file=1
local max-file=1 compress=false
local compress=x
local max-size=0
splunk
splunk splunk-url=x
splunk splunk-url=http://h:1
splunk splunk-url=http://h:1/path splunk-token=t
splunk ${SPLUNK} splunk-gzip=x
splunk ${SPLUNK} splunk-gzip-level=10
splunk ${SPLUNK} splunk-gzip-level=x
splunk ${SPLUNK} splunk-verify-connection=x
splunk ${SPLUNK} splunk-index-acknowledgment=x
splunk ${SPLUNK} splunk-insecureskipverify=x`

const lines = (text: string): readonly string[] => text.trim().split('\n')

async function answers(engine: Engine): Promise<readonly string[]> {
  const told: string[] = []
  const startedOnes = new Set(lines(STARTED))
  for (const line of [...lines(CREATED), ...startedOnes]) {
    const [Type = '', ...options] = line.split(' ')
    const Config = Object.fromEntries(
      options.map((option) => [option.slice(0, option.indexOf('=')), option.slice(option.indexOf('=') + 1)]),
    )
    const made = await engine.api('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['true'],
      HostConfig: { LogConfig: { Type, Config } },
    })
    told.push(`${line}: create ${made.status} ${made.status === 201 ? '' : made.body.message}`)
    if (made.status !== 201) continue
    if (startedOnes.has(line)) {
      const started = await engine.api('POST', `/containers/${made.body.Id}/start`)
      told.push(`${line}: start ${started.status} ${started.status === 204 ? '' : started.body.message}`)
    }
    await engine.api('DELETE', `/containers/${made.body.Id}?force=1`)
  }
  return told
}

const { missing } = await make('sid')

describe('options of log drivers on dockerd and on wharfd', { skip: missing }, () => {
  const engines: Engine[] = []
  before(async () => {
    engines.push((await ReferenceDockerd.start())!, await Wharfd.startWithBusybox())
  })
  after(async () => {
    for (const engine of engines) await engine.stop()
  })

  test('are taken and refused alike', { timeout: 180_000 }, async () => {
    const [expected, told] = await Promise.all(engines.map((engine) => answers(engine)))
    assert.deepEqual(told, expected)
  })
})
