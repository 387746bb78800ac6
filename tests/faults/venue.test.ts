import { describe, expect, it } from 'vitest'
import { isSound, venueReads } from '../../tools/bench-venue.ts'
import { findPostgres } from '../backend/postgres.ts'

/** SQLite is always there; PostgreSQL where it can be had, which the project `postgres` says. */
const engines = 'missing' in findPostgres() ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const)
const reads = Number(process.env['CAPSTAN_VENUE_READS'] ?? 300)

describe('eight gates of one venue, each a process, cut off and joined again at random', () => {
  // Twenty thousand reads: npm run bench -- venue
  it.each(engines)(
    'let nobody in twice while they are joined, and find everybody whom they let in too often while they were not, on %s',
    { timeout: 240_000 + reads * 500 },
    async (engine) => {
      const figures = await venueReads({ engine, reads, seed: 20_261_121 })
      if ('missing' in figures) throw new Error(figures.missing)
      expect(figures).toMatchObject({ doubledOnline: 0, againstPolicy: 0, foundWrongly: 0, wrongAtSite: 0, faults: [] })
      expect(isSound(figures), JSON.stringify(figures)).toBe(true)
      expect(figures.reads).toBeGreaterThanOrEqual(reads)
      // Otherwise nothing was tried.
      expect(figures.alone).toBeGreaterThan(0)
      expect(figures.roadsChanged).toBeGreaterThan(0)
    },
  )
})
