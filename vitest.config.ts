import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, most of it waiting: begun late, one of them would end alone. */
const longest = [
  'e2e/desk',
  'faults/drill',
  'electron/updates',
  'electron/desk',
  'e2e/scan',
  'e2e/queue',
  'electron/drill',
  'faults/kill-backend',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
      return index === -1 ? longest.length : index
    }
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other))
  }
}

/**
 * One project per kind of test, so that `vitest --project unit` is fast and `npm test` runs them all. The kinds that start
 * real processes come after the others (`place`). Half of the time tests wait for something: one more file of them than
 * there are cores runs at a time; the devices a file at a time, since they share the machine's terminals. A file that fails in
 * CI is run once more, alone: see tools/checks.ts.
 */
const project = (name: string, options: { readonly timeoutMs: number; readonly place?: number }) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.{ts,tsx}`],
    environment: 'node' as const,
    // Several times what the longest takes on a machine with nothing else to do: only what hangs is to be ended.
    testTimeout: options.timeoutMs,
    hookTimeout: options.timeoutMs,
    // A second, which is the default, is not what a busy machine keeps.
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: name === 'devices' ? 1 : availableParallelism() + 1,
    sequence: { groupOrder: options.place ?? 0 },
    setupFiles: 'tests/seed.ts',
  },
})

/** The backend's tests once more, on a PostgreSQL server that the project starts; skipped where there is none. */
const backend = project('backend', { timeoutMs: 240_000 })
const onPostgres = {
  test: {
    ...backend.test,
    name: 'postgres',
    // These open no database, or one of their own in a folder.
    exclude: ['embedded', 'link-analysis', 'remote-vision', 'vision', 'vision-photos'].map(
      (file) => `tests/backend/${file}.test.ts`,
    ),
    globalSetup: 'tests/backend/postgres-setup.ts',
    setupFiles: ['tests/seed.ts', 'tests/backend/needs-postgres.ts'],
  },
}

/** Tests that open the kiosk as it is built; it is built once, before the first of them. */
const onTheBuilt = (name: string) => {
  const { test } = project(name, { timeoutMs: 300_000, place: 2 })
  return { test: { ...test, globalSetup: 'tests/build.ts' } }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit', { timeoutMs: 60_000 }),
      project('architecture', { timeoutMs: 60_000 }),
      project('contract', { timeoutMs: 30_000 }),
      backend,
      onPostgres,
      project('devices', { timeoutMs: 180_000, place: 1 }),
      project('faults', { timeoutMs: 300_000, place: 2 }),
      onTheBuilt('e2e'),
      onTheBuilt('electron'),
    ],
  },
})
