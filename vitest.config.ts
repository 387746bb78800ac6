import { defineConfig } from 'vitest/config'

/**
 * One project per kind of test, so that `vitest --project unit` is fast and `npm test` runs them all.
 * The slow kinds start real processes: each kind runs after the ones before it (`alone` is its place), a file at a time.
 * On a shared CI machine those with a browser may be stalled by others for seconds; there, and only
 * there, a test of them that fails is tried a second time, and Vitest says so.
 */
const project = (
  name: string,
  options: { readonly timeoutMs: number; readonly alone?: number; readonly isStallable?: true },
) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.{ts,tsx}`],
    environment: 'node' as const,
    testTimeout: options.timeoutMs,
    hookTimeout: options.timeoutMs,
    fileParallelism: options.alone === undefined,
    sequence: { groupOrder: options.alone ?? 0 },
    retry: options.isStallable && process.env['CI'] ? 1 : 0,
  },
})

/** The backend's tests once more, on a PostgreSQL server that the project starts; skipped where there is none. */
const backend = project('backend', { timeoutMs: 60_000 })
const onPostgres = {
  test: {
    ...backend.test,
    name: 'postgres',
    globalSetup: 'tests/backend/postgres-setup.ts',
    setupFiles: 'tests/backend/needs-postgres.ts',
  },
}

export default defineConfig({
  test: {
    // Vitest leaves one core free, which on a machine of two would double the time.
    maxWorkers: '100%',
    projects: [
      project('unit', { timeoutMs: 20_000 }),
      project('architecture', { timeoutMs: 60_000 }),
      project('contract', { timeoutMs: 30_000 }),
      backend,
      onPostgres,
      project('devices', { timeoutMs: 60_000, alone: 1 }),
      project('faults', { timeoutMs: 300_000, alone: 2 }),
      project('e2e', { timeoutMs: 180_000, alone: 3, isStallable: true }),
      project('electron', { timeoutMs: 180_000, alone: 4, isStallable: true }),
    ],
  },
})
