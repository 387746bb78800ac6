import { defineConfig } from 'vitest/config'

/**
 * One project per kind of test, so that `vitest --project unit` is fast and `npm test` runs them all. The kinds that start
 * real processes come after the others (`place`); the devices, whose tests look at the clock of a bus, a file at a time.
 * A file that fails in CI is run once more, alone: see tools/checks.ts.
 */
const project = (name: string, options: { readonly timeoutMs: number; readonly place?: number }) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.{ts,tsx}`],
    environment: 'node' as const,
    testTimeout: options.timeoutMs,
    hookTimeout: options.timeoutMs,
    fileParallelism: name !== 'devices',
    sequence: { groupOrder: options.place ?? 0 },
  },
})

/** The backend's tests once more, on a PostgreSQL server that the project starts; skipped where there is none. */
const backend = project('backend', { timeoutMs: 60_000 })
const onPostgres = {
  test: {
    ...backend.test,
    name: 'postgres',
    // These open no database, or one of their own in a folder.
    exclude: ['embedded', 'link-analysis', 'remote-vision', 'vision', 'vision-photos'].map(
      (file) => `tests/backend/${file}.test.ts`,
    ),
    globalSetup: 'tests/backend/postgres-setup.ts',
    setupFiles: 'tests/backend/needs-postgres.ts',
  },
}

/** Tests that open the kiosk as it is built; it is built once, before the first of them. */
const onTheBuilt = (name: string) => {
  const { test } = project(name, { timeoutMs: 180_000, place: 2 })
  return { test: { ...test, globalSetup: 'tests/build.ts' } }
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
      project('devices', { timeoutMs: 60_000, place: 1 }),
      project('faults', { timeoutMs: 300_000, place: 2 }),
      onTheBuilt('e2e'),
      onTheBuilt('electron'),
    ],
  },
})
