import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KeptCapture } from '#station/remote/scanner-client.ts'
import { judge, slackMs, type Doubt } from '#station/sync/match.ts'

const startMs = Date.parse('2026-11-21T09:00:00.000Z')
const kept = (remoteId: string, fields: Partial<KeptCapture> = {}): KeptCapture => ({
  remoteId,
  state: 'PENDING',
  errorMessage: '',
  productId: null,
  productName: null,
  gtin: null,
  raw: 'A',
  type: 'BARCODE',
  createdMs: startMs,
  stationCapture: null,
  ...fields,
})
const doubt = (captureId: string, fields: Partial<Doubt> = {}): Doubt => ({
  captureId,
  raw: 'A',
  type: 'BARCODE',
  backendMs: startMs,
  ...fields,
})
const nobody = (): boolean => false

describe('with our id in the metadata', () => {
  it('a capture is there, whatever else is alike', () => {
    const own = kept('R1', { stationCapture: 'c1', raw: 'changed', createdMs: null })
    expect(judge([doubt('c1')], [own, kept('R2')], nobody).get('c1')).toEqual({ kind: 'there', kept: own, doubles: [] })
  })

  it('a capture without it is somebody else’s: ours is absent', () => {
    const verdicts = judge([doubt('c1')], [kept('R2', { stationCapture: 'c2' }), kept('R3')], nobody)
    expect(verdicts.get('c1')).toEqual({ kind: 'absent' })
  })

  it('twice, the older one is it and the other is told', () => {
    const older = kept('R9', { stationCapture: 'c1' })
    const newer = kept('R2', { stationCapture: 'c1', createdMs: startMs + 1 })
    expect(judge([doubt('c1')], [newer, older], nobody).get('c1')).toMatchObject({ kept: older, doubles: [newer] })
  })
})

describe('without metadata', () => {
  it('the only one of that value, type and time is it', () => {
    expect(judge([doubt('c1')], [kept('R1')], nobody).get('c1')).toMatchObject({
      kind: 'there',
      kept: { remoteId: 'R1' },
    })
  })

  it.each<[string, Partial<KeptCapture>]>([
    ['another value', { raw: 'B' }],
    ['another type', { type: 'MANUAL' }],
    ['an earlier time', { createdMs: startMs - slackMs - 1 }],
  ])('one with %s is not it', (_, fields) => {
    expect(judge([doubt('c1')], [kept('R1', fields)], nobody).get('c1')).toEqual({ kind: 'absent' })
  })

  it('one that is another capture’s already is not it', () => {
    expect(judge([doubt('c1')], [kept('R1')], (id) => id === 'R1').get('c1')).toEqual({ kind: 'absent' })
  })

  it('two for one, one for two, or one without a time are undecided', () => {
    const two = [kept('R1'), kept('R2')]
    expect(judge([doubt('c1')], two, nobody).get('c1')).toEqual({ kind: 'undecided', candidates: two })
    const [one] = two
    const verdicts = judge([doubt('c1'), doubt('c2')], [kept('R1')], nobody)
    expect([...verdicts.values()]).toEqual([
      { kind: 'undecided', candidates: [one] },
      { kind: 'undecided', candidates: [one] },
    ])
    expect(judge([doubt('c1')], [kept('R1', { createdMs: null })], nobody).get('c1')).toMatchObject({
      kind: 'undecided',
    })
    expect(judge([doubt('c1', { backendMs: null })], [kept('R1')], nobody).get('c1')).toMatchObject({
      kind: 'undecided',
    })
  })

  it('never takes a capture for two, nor one that nobody sent, nor misses one that must be there', () => {
    const value = fc.constantFrom('A', 'B')
    const world = fc.array(
      fc.record({ raw: value, atMs: fc.integer({ min: 0, max: 60_000 }), arrived: fc.boolean() }),
      {
        maxLength: 12,
      },
    )
    const strangers = fc.array(fc.record({ raw: value, atMs: fc.integer({ min: -60_000, max: 60_000 }) }), {
      maxLength: 2,
    })
    fc.assert(
      fc.property(world, strangers, fc.boolean(), (sent, others, keepsIds) => {
        const doubts = sent.map(({ raw, atMs }, index) => doubt(`c${index}`, { raw, backendMs: startMs + atMs }))
        const ours = sent.flatMap(({ raw, atMs, arrived }, index) =>
          arrived
            ? [kept(`R${index}`, { raw, createdMs: startMs + atMs, stationCapture: keepsIds ? `c${index}` : null })]
            : [],
        )
        const foreign = others.map(({ raw, atMs }, index) => kept(`X${index}`, { raw, createdMs: startMs + atMs }))
        const verdicts = judge(doubts, [...ours, ...foreign], nobody)
        const taken = [...verdicts.values()].flatMap((each) => (each.kind === 'there' ? [each.kept.remoteId] : []))
        expect(new Set(taken).size).toBe(taken.length)
        for (const [index, { arrived }] of sent.entries()) {
          const verdict = verdicts.get(`c${index}`)
          // What did not arrive may be undecided, what did must never be said to be absent: it would be sent twice.
          if (arrived) expect(verdict?.kind).not.toBe('absent')
          if (keepsIds && ours.length > 0) expect(verdict?.kind).toBe(arrived ? 'there' : 'absent')
        }
      }),
    )
  })
})
