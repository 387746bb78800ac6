import { describe, expect, it } from 'vitest'
import { parseBracketed } from '#domain/gs1/element-string.ts'

const now = new Date('2026-11-21T00:00:00Z')
const gtin = '(01)09520123456788'

function judge(text: string): string {
  const result = parseBracketed(text, { now })
  if (!result.ok) return result.error.code
  return result.missing.length === 0 ? 'fine' : `missing for ${result.missing.map(({ ai }) => ai).join(' ')}`
}

describe('the identifiers of one message', () => {
  it.each([
    // repeated
    [`${gtin}(10)A(10)A`, 'fine'],
    [`${gtin}(10)A(10)B`, 'repeated_ai'],
    // exclusive of each other
    [`${gtin}(37)5`, 'excluded_ai'],
    [`${gtin}(21)A(235)B`, 'excluded_ai'],
    [`${gtin}(3103)000195(3102)001950`, 'excluded_ai'],
    [`${gtin}(3103)000195(3202)001950`, 'fine'],
    ['(4330)000100-(4331)000100-(00)106141412345678908', 'excluded_ai'],
    // required by each other
    ['(10)A', 'missing for 10'],
    [`${gtin}(10)A`, 'fine'],
    ['(02)09520123456788(37)5', 'missing for 37'],
    ['(02)09520123456788(37)5(00)106141412345678908', 'fine'],
    [`${gtin}(3922)0299`, 'missing for 3922'],
    [`${gtin}(3922)0299(3103)000195`, 'fine'],
    [`${gtin}(7004)12`, 'missing for 7004'],
    [`${gtin}(7004)12(10)A`, 'fine'],
    [`${gtin}(8041)123456789012345(21)A`, 'missing for 8041'],
    [`(21)A(250)B`, 'missing for 21 250'],
    // a signature needs a key with a serial number
    ['(253)9520123456788X(8030)SIG', 'fine'],
    ['(253)9520123456788(8030)SIG', 'unserialised_key'],
    ['(8003)09520123456788(8030)SIG', 'unserialised_key'],
    [`${gtin}(8030)SIG`, 'missing for 8030'],
    [`${gtin}(21)A(8030)SIG`, 'fine'],
  ])('%s: %s', (text, verdict) => {
    expect(judge(text)).toBe(verdict)
  })

  it('name what they miss', () => {
    const result = parseBracketed('(7004)12', { now })
    expect(result.ok ? result.missing : null).toEqual([
      { code: 'missing_required_ai', message: 'AI (7004) needs one of: 01+10', ai: '7004' },
    ])
  })
})
