import { describe, expect, it } from 'vitest'
import { killRounds } from '../../tools/bench-kill.ts'

describe('a station that is killed at any point of capturing, sending and migrating', () => {
  // A thousand of them: npm run bench -- kill --rounds 1000
  it('has every scan it acknowledged, a whole ledger after each kill, and each capture at the backend once', async () => {
    const figures = await killRounds({ rounds: 24, seed: 20_261_121 })
    expect(figures).toMatchObject({ rounds: 24, lost: 0, broken: 0, missing: 0, doubled: 0, faults: [] })
    expect(figures.kills).toBeGreaterThanOrEqual(12)
    expect(figures.acknowledged).toBeGreaterThan(0)
    expect(Object.values(figures.by).every((kills) => kills > 0)).toBe(true)
  })
})
