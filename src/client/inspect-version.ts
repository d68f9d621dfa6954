/**
 * The form of descriptions that scripts know: API 1.52 has left out members such as NetworkSettings.IPAddress, which
 * templates of `inspect` name all the time.
 */
export const INSPECT_VERSION = '1.51'
