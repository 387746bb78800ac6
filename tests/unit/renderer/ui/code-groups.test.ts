import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeGroups } from '#renderer/ui/code-groups.ts'

const texts = (raw: string, elements: Parameters<typeof codeGroups>[1] = []) =>
  codeGroups(raw, elements).map(({ text }) => text)

describe('a code cut into groups', () => {
  it.each([
    ['96385074', ['9638', '5074']],
    ['012345678905', ['0', '12345', '67890', '5']],
    ['5449000000996', ['5', '449000', '000996']],
    ['05449000000996', ['0', '5', '449000', '000996']],
    ['ABCDEFGHIJ', ['ABCD', 'EFGH', 'IJ']],
    ['LOT-7', ['LOT-7']],
    ['BOX000299', ['BOX', '000299']],
    ['A1B2C3D4E5F6', ['A1B2', 'C3D4', 'E5F6']],
    ['https://id.gs1.org/01/09506000134352', ['https://id.gs1.org/01/09506000134352']],
  ])('cuts %s where people look for the gaps', (raw, expected) => {
    expect(texts(raw)).toEqual(expected)
  })

  it('names control characters', () => {
    expect(codeGroups('A\u001DB')).toEqual([
      { text: 'A', kind: 'text' },
      { text: 'GS', kind: 'control' },
      { text: 'B', kind: 'text' },
    ])
    expect(texts('\u0000\u007F\u0085')).toEqual(['NUL', 'DEL', 'x85'])
  })

  it('cuts an element string at its elements', () => {
    const elements = [
      { ai: '01', value: '09521234543213' },
      { ai: '10', value: 'LOT-7' },
      { ai: '21', value: 'S9' },
    ]
    expect(texts('010952123454321310LOT-7\u001D21S9', elements)).toEqual([
      '01',
      '0',
      '9',
      '521234',
      '543213',
      '10',
      'LOT-7',
      'GS',
      '21',
      'S9',
    ])
  })

  it('falls back to plain groups when the elements are not the value, as with a Digital Link', () => {
    expect(texts('96385074', [{ ai: '01', value: '00000096385074' }])).toEqual(['9638', '5074'])
  })

  it('never adds, drops or reorders a character that can be seen', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        const shown = codeGroups(raw).filter(({ kind }) => kind !== 'control')
        expect(shown.map(({ text }) => text).join('')).toBe(raw.replaceAll(/\p{Cc}/gu, ''))
      }),
    )
  })
})
