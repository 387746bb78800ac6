import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { confidenceWord, judgeProposal } from '#domain/review/cost.ts'
import { differencesOf } from '#domain/review/difference.ts'
import { contradictionsOf, readNutrition } from '#domain/review/nutrition.ts'
import { isTooFast, readingMs } from '#domain/review/pace.ts'
import { plantWrong } from '#domain/review/probe.ts'
import { seededRandom } from '#domain/seeded-random.ts'

const right = 'energy 1046 kJ, energy 250 kcal, fat 10 g, saturates 2.5 g, carbohydrate 30 g, sugars 5 g, protein 10 g'

describe('a nutrition table', () => {
  it('is read line by line, with decimal commas and less-than signs', () => {
    expect(readNutrition('energy 636 kJ, fat 3,5 g, saturates <0.1 g')).toEqual([
      { name: 'energy', amount: 636, unit: 'kJ', isLess: false },
      { name: 'fat', amount: 3.5, unit: 'g', isLess: false },
      { name: 'saturates', amount: 0.1, unit: 'g', isLess: true },
    ])
    expect(readNutrition('Keep cool and dry')).toEqual([])
  })

  it.each([
    [right, []],
    [right.replace('250 kcal', '520 kcal'), ['energy_units']],
    [right.replace('saturates 2.5', 'saturates 25'), ['part_above_whole']],
    [right.replace('fat 10 g', 'fat 100 g'), ['sum_above_hundred', 'energy_of_parts']],
    ['energy 1046 kJ, fat 1 g, carbohydrate 3 g, protein 1 g', ['energy_of_parts']],
    ['energy 0 kJ, energy 0 kcal, fat 0 g, carbohydrate 0 g, protein 0 g', []],
  ])('%s is contradicted by %j', (text, expected) => {
    expect(contradictionsOf(text, 'hundred').toSorted()).toEqual(expected.toSorted())
  })

  it('for a serving may be above 100 g', () => {
    const meal = 'fat 20 g, carbohydrate 90 g, protein 30 g'
    expect(contradictionsOf(meal, 'serving')).toEqual([])
    expect(contradictionsOf(meal, 'hundred')).toEqual(['sum_above_hundred'])
  })
})

describe('the expected cost of an error', () => {
  const name = { field: 'name', current: '', proposed: 'Green tea', confidence: 0.97 }

  it('puts a contradiction before low confidence, and that before a key field that is sure', () => {
    const table = {
      field: 'nutrition_per_100',
      current: '',
      proposed: 'energy 100 kJ, energy 900 kcal',
      confidence: 0.99,
    }
    const unsure = { ...name, confidence: 0.6 }
    const cost = (proposal: typeof name) => judgeProposal(proposal).cost
    expect(cost(table)).toBeGreaterThan(cost(unsure))
    expect(cost(unsure)).toBeGreaterThan(cost(name))
    expect(cost(name)).toBeGreaterThan(cost({ ...name, field: 'description' }))
  })

  it('calls clear only what fills an empty field, surely, alone and without contradiction', () => {
    expect(judgeProposal(name)).toMatchObject({ isClear: true, doubts: [] })
    expect(judgeProposal({ ...name, confidence: 0.89 }).doubts).toEqual(['low_confidence'])
    expect(judgeProposal({ ...name, current: 'Tea' }).doubts).toEqual(['replaces'])
    expect(judgeProposal({ ...name, current: 'Tea', proposed: '' }).doubts).toEqual(['empties'])
    expect(judgeProposal(name, [{ ...name, proposed: 'Grün' }]).doubts).toEqual(['alternatives'])
    expect(judgeProposal(name, [name]).isClear).toBe(true)
  })

  it('never rises with confidence', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        const cost = (confidence: number) => judgeProposal({ ...name, confidence }).cost
        expect(cost(high)).toBeLessThanOrEqual(cost(low))
      }),
    )
  })

  it('has words for every confidence', () => {
    expect([0.99, 0.92, 0.7, 0.1].map(confidenceWord)).toEqual(['sure', 'likely', 'unsure', 'guess'])
  })
})

describe('the differences of two texts', () => {
  it('are told word by word', () => {
    expect(differencesOf('water, sugar, salt', 'water, sea salt')).toEqual([
      { kind: 'same', text: 'water, ' },
      { kind: 'removed', text: 'sugar,' },
      { kind: 'added', text: 'sea' },
      { kind: 'same', text: ' salt' },
    ])
    expect(differencesOf('3.5 g', '35 g')[0]).toEqual({ kind: 'removed', text: '3.5' })
    expect(differencesOf('', 'new')).toEqual([{ kind: 'added', text: 'new' }])
    expect(differencesOf('same', 'same')).toEqual([{ kind: 'same', text: 'same' }])
  })

  it('give both texts back', () => {
    const words = fc.array(fc.constantFrom('water', ', ', 'salt', ' ', '3.5', 'g', '😀', 'é'), { maxLength: 30 })
    fc.assert(
      fc.property(words, words, (one, other) => {
        const [before, after] = [one.join(''), other.join('')]
        const pieces = differencesOf(before, after)
        const without = (kind: string) =>
          pieces
            .filter((piece) => piece.kind !== kind)
            .map(({ text }) => text)
            .join('')
        expect([without('added'), without('removed')]).toEqual([before, after])
        expect(pieces.every(({ text }, index) => text !== '' && pieces[index - 1]?.kind !== pieces[index]?.kind)).toBe(
          true,
        )
      }),
    )
  })

  it('of texts of a hundred thousand words are told without comparing each with each', () => {
    const one = Array.from({ length: 100_000 }, (_, n) => `a${n}`).join(' ')
    const other = Array.from({ length: 100_000 }, (_, n) => `b${n}`).join(' ')
    // The last number of both is the same word.
    expect(differencesOf(one, other).map(({ kind }) => kind)).toEqual(['removed', 'added', 'same'])
  })
})

describe('a pace', () => {
  const decision = { tookMs: 200, characters: 80 }

  it('is too fast when six in a row cannot have been read', () => {
    expect(isTooFast(Array.from({ length: 5 }, () => decision))).toBe(false)
    expect(isTooFast(Array.from({ length: 6 }, () => decision))).toBe(true)
    expect(isTooFast(Array.from({ length: 6 }, () => ({ ...decision, tookMs: readingMs(80) })))).toBe(false)
  })
})

describe('a planted fault', () => {
  it.each([
    ['250 g', /^(?!250 g)\d{3} g$/],
    ['sugar, palm oil, cocoa, milk', /^sugar, (palm oil|cocoa), milk$/],
    ['Inkwell', /^(?!Inkwell)[A-Za-z]{7}$/],
  ])('in %j is another text that looks like it', (value, expected) => {
    for (let seed = 1; seed <= 20; seed += 1) expect(plantWrong(value, seededRandom(seed))).toMatch(expected)
  })

  it('is none where nothing can be changed', () => {
    for (const value of ['', '-', 'aAa']) expect(plantWrong(value, seededRandom(1))).toBeNull()
  })

  it('is never the same value, whatever that is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1 }), (value, seed) => {
        expect(plantWrong(value, seededRandom(seed))).not.toBe(value)
      }),
    )
  })
})
