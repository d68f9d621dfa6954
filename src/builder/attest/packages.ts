/** A package that an image has, as a bill of materials names it. */
export interface SoftwarePackage {
  readonly name: string
  readonly version: string
  /** Package URL (github.com/package-url/purl-spec). */
  readonly purl: string
  /** An SPDX expression or whatever the database says; null where it says nothing. */
  readonly license: string | null
  /** Who distributes it; null where the database does not say. */
  readonly supplier: string | null
  /** The file that names it, absolute in the image. */
  readonly source: string
}

/** Encodes a part of a package URL. */
export function purlPart(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%2B', '+')
}
