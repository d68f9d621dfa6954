import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signAws, signingKey } from './sign-aws.ts'

// The vectors are Amazon's: "Signature Version 4 test suite", and the example of deriving a key.
const by = {
  credentials: {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: null,
  },
  region: 'us-east-1',
  service: 'service',
  date: new Date('2015-08-30T12:36:00Z'),
}

for (const { name, method, path, headers, body, signature } of [
  {
    name: 'get-vanilla',
    method: 'GET',
    path: '/',
    headers: {},
    body: '',
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'get-vanilla-query-order-key-case',
    method: 'GET',
    path: '/?Param2=value2&Param1=value1',
    headers: {},
    body: '',
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'post-vanilla',
    method: 'POST',
    path: '/',
    headers: {},
    body: '',
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'post-x-www-form-urlencoded',
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Param1=value1',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
]) {
  test(`signAws() signs ${name}`, () => {
    const url = new URL(path, 'https://example.amazonaws.com')
    const signed = signAws({ method, url, headers, body: Buffer.from(body) }, by)
    assert.equal(signed['x-amz-date'], '20150830T123600Z')
    assert.match(
      signed['authorization'] ?? '',
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20150830\/us-east-1\/service\/aws4_request, /,
    )
    assert.equal(/Signature=(.*)$/.exec(signed['authorization'] ?? '')?.[1], signature)
  })
}

test('signAws() signs the token of a session', () => {
  const request = { method: 'GET', url: new URL('https://h/'), headers: {}, body: Buffer.alloc(0) }
  const credentials = { ...by.credentials, sessionToken: 'token' }
  const signed = signAws(request, { ...by, credentials })
  assert.equal(signed['x-amz-security-token'], 'token')
  assert.match(signed['authorization'] ?? '', /SignedHeaders=host;x-amz-date;x-amz-security-token,/)
})

test('signingKey() derives as the documentation does', () => {
  assert.equal(
    signingKey('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', '20120215/us-east-1/iam/aws4_request').toString(
      'hex',
    ),
    'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d',
  )
})
