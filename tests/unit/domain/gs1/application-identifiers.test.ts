import { describe, expect, it } from 'vitest'
import { applicationIdentifiers, findIdentifier, identifierAt } from '#domain/gs1/application-identifiers.ts'

describe('the table', () => {
  it('has 541 identifiers, those with the same first two digits of one length', () => {
    expect(applicationIdentifiers.size).toBe(541)
    const lengths = new Map<string, Set<number>>()
    for (const ai of applicationIdentifiers.keys()) {
      const prefix = ai.slice(0, 2)
      lengths.set(prefix, (lengths.get(prefix) ?? new Set()).add(ai.length))
    }
    expect([...lengths.values()].every((set) => set.size === 1)).toBe(true)
  })

  it('has components of which only the last may vary, and none mandatory after an optional one', () => {
    for (const { ai, components } of applicationIdentifiers.values()) {
      const varying = components.slice(0, -1).filter((part) => part.min !== part.max)
      const after = components.slice(components.findIndex((part) => part.optional)).filter((part) => !part.optional)
      const faults = components.some((part) => part.optional) ? varying.length + after.length : varying.length
      expect([ai, faults]).toEqual([ai, 0])
    }
  })

  it('gives predefined lengths exactly to values of one length', () => {
    for (const { ai, predefinedLength, minLength, maxLength } of applicationIdentifiers.values()) {
      if (predefinedLength) expect([ai, minLength]).toEqual([ai, maxLength])
    }
    const predefined = [...applicationIdentifiers.values()].filter((entry) => entry.predefinedLength)
    expect(new Set(predefined.map(({ ai }) => ai.slice(0, 2)))).toEqual(
      new Set('00 01 02 03 11 12 13 15 16 17 20 31 32 33 34 35 36 41'.split(' ')),
    )
  })

  it('knows the sixteen primary keys of Digital Links', () => {
    const keys = [...applicationIdentifiers.values()].filter((entry) => entry.keyQualifiers !== null)
    expect(
      keys.map(({ ai, keyQualifiers }) => `${ai}: ${keyQualifiers?.map((list) => list.join(',')).join('|')}`),
    ).toEqual([
      '00: ',
      '01: 22,10,21|235',
      '253: ',
      '255: ',
      '401: ',
      '402: ',
      '414: 254|7040',
      '415: 8020',
      '417: 7040',
      '8003: ',
      '8004: 7040',
      '8006: 22,10,21',
      '8010: 8011',
      '8013: ',
      '8017: 8019',
      '8018: 8019',
    ])
  })
})

describe('looking an identifier up', () => {
  it('finds it alone or in front of its value', () => {
    expect(findIdentifier('3103')?.title).toBe('NET WEIGHT (kg)')
    expect(identifierAt('xx3103000195', 2)?.ai).toBe('3103')
    expect(identifierAt('310', 0)).toBeNull()
    expect(identifierAt('3106000195', 0)).toBeNull()
    expect(findIdentifier('1')).toBeNull()
    expect(findIdentifier('0a')).toBeNull()
  })

  it('takes unknown ones only on request, and only of the length that their prefix has', () => {
    expect(findIdentifier('236')).toBeNull()
    expect(findIdentifier('236', true)).toMatchObject({
      ai: '236',
      known: false,
      predefinedLength: false,
      maxLength: 90,
    })
    expect(findIdentifier('419', true)).toMatchObject({ predefinedLength: true, minLength: 13, maxLength: 13 })
    expect(findIdentifier('04', true)).toMatchObject({ predefinedLength: true, minLength: 16 })
    expect([findIdentifier('2367', true), findIdentifier('399', true), findIdentifier('12345', true)]).toEqual([
      null,
      null,
      null,
    ])
  })
})
