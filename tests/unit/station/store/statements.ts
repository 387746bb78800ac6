import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { vi } from 'vitest'

/** Every statement prepared while `work` runs. */
export async function statementsOf(work: () => unknown): Promise<string[]> {
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
  try {
    await work()
    return [...new Set(prepare.mock.calls.map(([sql]) => sql))]
  } finally {
    prepare.mockRestore()
  }
}

/** Where statements read a table or an index of a station's store from end to end, but for steps of a plan that are `little`. */
export function fullScans(
  dataDir: string,
  statements: readonly string[],
  little: RegExp,
): { readonly detail: string; readonly sql: string }[] {
  const database = new DatabaseSync(join(dataDir, 'station.sqlite'), { readOnly: true })
  try {
    return statements
      .filter((sql) => /^\s*(SELECT|UPDATE|DELETE|INSERT)/.test(sql))
      .flatMap((sql) =>
        database
          .prepare(`EXPLAIN QUERY PLAN ${sql}`)
          .all()
          .map((row) => String(row['detail']))
          .filter((detail) => detail.startsWith('SCAN ') && !little.test(detail))
          .map((detail) => ({ detail, sql })),
      )
  } finally {
    database.close()
  }
}
