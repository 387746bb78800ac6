import type { z } from 'zod'
import type { Database } from '#station/store/database.ts'

/** Small single values of the station: its id, its settings, what happened to its store. */
export interface Facts {
  get(key: string): string | null
  /** One that is kept as JSON, as a schema reads it; null for none, and for one that another version wrote otherwise. */
  read<T>(key: string, schema: z.ZodType<T>): T | null
  set(key: string, value: string): void
}

/** Keeps facts in the `facts` table. */
export function createFacts(database: Database): Facts {
  const get = (key: string): string | null =>
    (database.get('SELECT value FROM facts WHERE key = ?', key)?.['value'] as string | undefined) ?? null
  return {
    get,
    read(key, schema) {
      try {
        return schema.safeParse(JSON.parse(get(key) ?? 'null')).data ?? null
      } catch {
        return null
      }
    },
    set: (key, value) =>
      void database.run(
        'INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
        key,
        value,
      ),
  }
}
