import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Keeps other backends from a data folder until the answered function is called, or the process ends in any way.
 *
 * It is SQLite's own lock on a file beside the database: the system lets go of it when the process dies, and tools that
 * only read or write the database are not in its way. Throws when another backend has the folder.
 */
export function lockFolder(dataDir: string): () => void {
  const file = new DatabaseSync(join(dataDir, 'backend.lock'))
  try {
    file.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    file.close()
    const isTaken = error instanceof Error && 'errcode' in error && error.errcode === 5
    if (!isTaken) throw error
    throw new FolderTakenError(dataDir)
  }
  return () => file.close()
}

/** Another backend runs on the folder. */
export class FolderTakenError extends Error {
  override readonly name = 'FolderTakenError'

  constructor(dataDir: string) {
    super(`Another backend runs on ${dataDir}; several share only a PostgreSQL database`)
  }
}
