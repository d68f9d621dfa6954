import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeRange, parseRemap, subordinateIds } from './userns-remap.ts'

const files = {
  passwd: 'root:x:0:0::/root:/bin/sh\nanna:x:1000:1001::/:/bin/sh\n',
  group: 'root:x:0:\nanna:x:1001:\nstaff:x:1000:\n',
  subuid: '# comment\nanna:200000:1000\nbert:300000:65536\nanna:400000:65536\n',
  subgid: '1000:500000:65536\n',
}

const understood: readonly (readonly [string, ReturnType<typeof parseRemap>])[] = [
  ['anna', { user: 'anna', group: 'anna' }],
  ['anna:staff', { user: 'anna', group: 'staff' }],
  ['1000', { user: 'anna', group: 'staff' }],
  ['1000:1001', { user: 'anna', group: 'anna' }],
  ['default', null],
]

for (const [text, expected] of understood)
  test(`parseRemap() understands ${text}`, () => assert.deepEqual(parseRemap(text, files), expected))

const refused: readonly (readonly [string, RegExp])[] = [
  ['a:b:c', /^Invalid user\/group specification in --userns-remap: "a:b:c"$/],
  [
    'nobody',
    /^Error during uid lookup for "nobody": getent unable to find entry "nobody" in passwd database$/,
  ],
  ['7', /^Uid 7 has no entry in \/etc\/passwd/],
  ['anna:7', /^Gid 7 has no entry in \/etc\/passwd/],
  ['anna:nobody', /^Error during groupname lookup for "nobody"/],
]

for (const [text, message] of refused)
  test(`parseRemap() refuses ${text}`, () => assert.throws(() => parseRemap(text, files), { message }))

test('subordinateIds() stacks the ranges of a user, by name and by number', () => {
  assert.deepEqual(subordinateIds('anna', files), {
    uids: [
      { containerId: 0, hostId: 200_000, size: 1000 },
      { containerId: 1000, hostId: 400_000, size: 65_536 },
    ],
    gids: [{ containerId: 0, hostId: 500_000, size: 65_536 }],
  })
})

test('subordinateIds() says whose ranges are missing', () => {
  assert.throws(() => subordinateIds('root', files), {
    message: `Can't create ID mappings: no subuid ranges found for user "root"`,
  })
})

test('freeRange() takes the first gap that is large enough', () => {
  assert.deepEqual(freeRange(''), { first: 100_000, last: 165_535 })
  assert.deepEqual(freeRange('a:100000:65536\nb:165536:65536\n'), { first: 231_072, last: 296_607 })
  assert.deepEqual(freeRange('a:150000:10\n'), { first: 150_010, last: 215_545 })
})
