import type { Schema } from '#store/database.ts'

/**
 * Images, their names, and which bytes of registries they came as. Names are kept in full
 * (`docker.io/library/busybox:latest`). Ordered list: see `Schema`.
 */
export const imageSchema: Schema = {
  area: 'images',
  migrations: [
    `
    CREATE TABLE images (
      id TEXT PRIMARY KEY,
      config BLOB NOT NULL,
      parent TEXT,
      last_tag_time TEXT,
      size_bytes INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX images_parent ON images (parent);
    CREATE TABLE image_layers (
      image TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      diff_id TEXT NOT NULL,
      size_bytes INTEGER NOT NULL,
      PRIMARY KEY (image, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX image_layers_diff_id ON image_layers (diff_id);
    CREATE TABLE image_names (
      name TEXT PRIMARY KEY,
      repository TEXT NOT NULL,
      tag TEXT,
      digest TEXT,
      image TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX image_names_image ON image_names (image);
    CREATE INDEX image_names_repository ON image_names (repository);
    CREATE TABLE image_manifests (
      digest TEXT NOT NULL,
      image TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
      media_type TEXT NOT NULL,
      content BLOB NOT NULL,
      PRIMARY KEY (digest, image)
    ) STRICT;
    CREATE INDEX image_manifests_image ON image_manifests (image);
    CREATE TABLE layer_blobs (
      digest TEXT PRIMARY KEY,
      diff_id TEXT NOT NULL,
      media_type TEXT NOT NULL,
      size_bytes INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX layer_blobs_diff_id ON layer_blobs (diff_id);
    CREATE TABLE blob_sources (
      digest TEXT NOT NULL REFERENCES layer_blobs (digest) ON DELETE CASCADE,
      repository TEXT NOT NULL,
      PRIMARY KEY (digest, repository)
    ) STRICT, WITHOUT ROWID;
    `,
    // Layers of pulls that are not complete: kept for a while for the next try.
    `
    CREATE TABLE arrived_layers (
      diff_id TEXT PRIMARY KEY,
      arrived_at INTEGER NOT NULL
    ) STRICT;
    `,
  ],
}
