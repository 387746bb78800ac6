import { describe, expect, it } from 'vitest'
import { readPassRecord, writePassRecord } from '#contract/gate/pass-record.ts'
import { gateVectors } from '../../vectors/gate.ts'

describe('the record of a pass in a list', () => {
  it.each(gateVectors.filter(({ question }) => question.pass !== null))('gives back: $name', ({ question }) => {
    const { pass, use } = question
    if (pass === null) throw new Error('unreachable')
    expect(readPassRecord(writePassRecord({ pass, use }))).toEqual({ pass, use })
  })

  it.each(['', '{}', 'null', '[]', '{"i":"p","t":"day","s":"stolen"}', '{"i":"p","t":"day","z":1}'])(
    'is not %s',
    (text) => expect(readPassRecord(text)).toBeNull(),
  )
})
