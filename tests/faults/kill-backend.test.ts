import { describe, expect, it } from 'vitest'
import { backendKillRounds } from '../../tools/bench-backend-kill.ts'
import { findPostgres } from '../backend/postgres.ts'

/** SQLite is always there; PostgreSQL where it can be had, which the project `postgres` says. */
const engines = 'missing' in findPostgres() ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const)
const rounds = Number(process.env['CAPSTAN_KILL_ROUNDS'] ?? 4)

describe('a backend that is killed at any statement, while it asks others for something, and at any time', () => {
  // Five hundred of them: npm run bench -- backend-kill --rounds 500
  it.each(engines)(
    'has everything it acknowledged once, at its end, and with all that follows from it, on %s',
    { timeout: 300_000 + rounds * 15_000 },
    async (engine) => {
      const figures = await backendKillRounds({ engine, rounds, seed: 20_261_121 })
      if ('missing' in figures) throw new Error(figures.missing)
      expect(figures).toMatchObject({ rounds, lost: 0, doubled: 0, stuck: 0, faults: [] })
      expect(figures.acknowledged).toBe(figures.sent)
      expect(figures.extractions).toBe(Math.ceil(rounds / 3))
      expect(figures.applied).toBe(Math.ceil(rounds / 3) + rounds * 5)
      expect(figures.links).toBeGreaterThan(0)
      expect(figures.deliveries).toBeGreaterThan(figures.sent)
    },
  )
})
