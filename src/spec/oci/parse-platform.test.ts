import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePlatform } from './parse-platform.ts'

const good: readonly (readonly [text: string, platform: object])[] = [
  ['linux', { os: 'linux' }],
  ['macOS', { os: 'darwin' }],
  ['amd64', { os: 'linux', architecture: 'amd64' }],
  ['x86_64', { os: 'linux', architecture: 'x86_64' }],
  ['LINUX/ARM64', { os: 'linux', architecture: 'arm64', variant: undefined }],
  ['linux/arm64/v8', { os: 'linux', architecture: 'arm64', variant: 'v8' }],
  ['macos/arm64', { os: 'darwin', architecture: 'arm64', variant: undefined }],
]
for (const [text, platform] of good) {
  test(`parsePlatform() reads ${text}`, () => assert.deepEqual(parsePlatform(text), platform))
}

const bad: readonly (readonly [text: string, why: RegExp])[] = [
  ['foobar', /^"foobar": unknown operating system or architecture: invalid argument$/],
  ['*', /^"\*": wildcards not yet supported/],
  ['/', /^"" is an invalid OS component of "\/": OSAndVersion specifier component must match "\^\(\[A-Za/],
  ['linux/', /^"" is an invalid component of "linux\/": platform specifier component must match "\^\[A-Za/],
  ['a/b/c/d', /^"a\/b\/c\/d": cannot parse platform specifier: invalid argument$/],
]
for (const [text, why] of bad) {
  test(`parsePlatform() refuses ${text}`, () => {
    assert.throws(
      () => parsePlatform(text),
      (error: Error) => why.test(error.message),
    )
  })
}
