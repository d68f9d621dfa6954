/** The client's own version; the bundle has the figures of its build put in (see packaging/build.ts). */
export const clientVersion: { readonly version: string; readonly commit: string; readonly built: string } = {
  version: '0.1.0',
  commit: 'source',
  built: '',
}

/** The newest API version that this client was written for. */
export const CLIENT_API_VERSION = '1.56'
