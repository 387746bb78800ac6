import type { Database } from '#station/store/database.ts'

/** A file as it was found in a folder. */
interface SeenFile {
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** Files of watched and imported folders that are done with, so that a restart takes none of them again. */
export interface PhotoFiles {
  isKnown(file: SeenFile): boolean
  /** Remembers a file; `hash` is null for one that was there before its folder was watched. */
  remember(file: SeenFile, hash: string | null): void
  /** Whether a photo of that content was captured, from whatever file or camera. */
  isCaptured(hash: string): boolean
}

/** Keeps them in the `photo_files` table: the newest version of each path. */
export function createPhotoFiles(database: Database): PhotoFiles {
  return {
    isKnown({ path, sizeBytes, modifiedMs }) {
      const row = database.get('SELECT size_bytes, modified_ms FROM photo_files WHERE path = ?', path)
      return row !== undefined && row['size_bytes'] === sizeBytes && row['modified_ms'] === modifiedMs
    },
    remember({ path, sizeBytes, modifiedMs }, hash) {
      database.run(
        `INSERT INTO photo_files (path, size_bytes, modified_ms, hash) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET size_bytes = excluded.size_bytes, modified_ms = excluded.modified_ms,
           hash = excluded.hash`,
        path,
        sizeBytes,
        modifiedMs,
        hash,
      )
    },
    isCaptured: (hash) => database.get('SELECT 1 FROM captures WHERE photo = ? LIMIT 1', hash) !== undefined,
  }
}
