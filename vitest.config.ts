import { defineConfig } from 'vitest/config'

/**
 * One project per kind of test, so that `vitest --project unit` is fast and `npm test` runs them all.
 * The slow kinds (faults, e2e, electron) start real processes and run one file at a time.
 */
const project = (name: string, options: { readonly timeoutMs: number; readonly alone?: boolean }) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.{ts,tsx}`],
    environment: 'node' as const,
    testTimeout: options.timeoutMs,
    hookTimeout: options.timeoutMs,
    fileParallelism: !options.alone,
  },
})

export default defineConfig({
  test: {
    reporters: process.env['CI'] ? ['default'] : ['default'],
    projects: [
      project('unit', { timeoutMs: 20_000 }),
      project('architecture', { timeoutMs: 60_000 }),
      project('contract', { timeoutMs: 30_000 }),
      project('backend', { timeoutMs: 60_000 }),
      project('devices', { timeoutMs: 60_000 }),
      project('faults', { timeoutMs: 300_000, alone: true }),
      project('e2e', { timeoutMs: 180_000, alone: true }),
      project('electron', { timeoutMs: 180_000, alone: true }),
    ],
  },
})
