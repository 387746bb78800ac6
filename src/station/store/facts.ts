import type { Database } from '#station/store/database.ts'

/** Small single values of the station: its id, its settings, what happened to its store. */
export interface Facts {
  get(key: string): string | null
  set(key: string, value: string): void
}

/** Keeps facts in the `facts` table. */
export function createFacts(database: Database): Facts {
  return {
    get: (key) => (database.get('SELECT value FROM facts WHERE key = ?', key)?.['value'] as string | undefined) ?? null,
    set: (key, value) =>
      void database.run(
        'INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
        key,
        value,
      ),
  }
}
