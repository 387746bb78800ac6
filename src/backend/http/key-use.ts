import type { Db } from '../db/database.ts'

/** When each key was last used: gathered in memory, as a write for each request would cost more than the request. */
export interface KeyUse {
  readonly mark: (keyId: string, at: Date) => void
  /** Writes what has been gathered. */
  readonly save: (db: Db) => Promise<void>
}

/** Gathers the uses of keys in this process. */
export function createKeyUse(): KeyUse {
  let used = new Map<string, string>()
  return {
    mark: (keyId, at) => void used.set(keyId, at.toISOString()),
    async save(db) {
      const gathered = used
      used = new Map()
      for (const [id, last_used_at] of gathered) {
        await db
          .updateTable('api_keys')
          .set({ last_used_at })
          .where('id', '=', id)
          // Another process may have seen it later.
          .where((key) => key.or([key('last_used_at', 'is', null), key('last_used_at', '<', last_used_at)]))
          .execute()
      }
    },
  }
}
