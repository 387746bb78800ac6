import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSpotter } from '#backend/vision/ocr/spotter.ts'

/** Nothing, the letters, accents, signs and, last, the space: as the recogniser's alphabet goes. */
const letters = ['', ...'ABCDEFGHIJKLMNOPQRSTUVWXYZÑabcdefghijklmnopqrstuvwxyz0123456789:.-', ' ']
const spotter = createSpotter(letters, {
  heads: ['madein', 'productode', 'origin'],
  links: ['the', 'la'],
  tails: new Map([
    ['spain', 'ES'],
    ['espana', 'ES'],
    ['panama', 'PA'],
    ['germany', 'DE'],
    ['unitedkingdom', 'GB'],
  ]),
})

/** What the recogniser would answer for a text: two steps a letter and one of nothing between them. */
function seen(text: string, likely: (index: number) => Readonly<Record<string, number>> = () => ({})) {
  const steps = [...text].flatMap((letter, index) => [{ [letter]: 0.9, ...likely(index) }, { '': 0.9 }])
  const scores = new Float32Array(steps.length * letters.length).fill(1e-6)
  steps.forEach((step, at) => {
    for (const [letter, score] of Object.entries(step)) scores[at * letters.length + letters.indexOf(letter)] = score
  })
  return spotter.spot(scores, steps.length)
}

describe('a phrase in the scores of a line', () => {
  test.each([
    ['MADE IN GERMANY', 'madeingermany'],
    ['Quality - Made in: Spain 0815', 'madeinspain'],
    ['PRODUCTO DE ESPAÑA', 'productodeespana'],
    ['Made in the United Kingdom', 'madeintheunitedkingdom'],
    ['Origin: Germany', 'origingermany'],
    ['MADE 1N GERMANY', 'madeingermany'],
  ])('is found in "%s"', (text, phrase) => {
    expect(seen(text)).toBe(phrase)
  })

  test.each(['MADE WITH CARE', 'GERMANY', 'MADE IN', 'MADE IN PARIS', 'GERMANY MADE IN', ''])(
    'is not found in "%s"',
    (text) => {
      expect(seen(text)).toBeNull()
    },
  )

  test('is found where other letters were likelier in print that is blurred', () => {
    const blurred = (index: number): Readonly<Record<string, number>> =>
      ({ 5: { C: 0.3 }, 6: { T: 0.2 }, 11: { E: 0.3 } })[index] ?? {}
    expect(seen('PRODUDDO DEBSPAÑA', blurred)).toBe('productodeespana')
    expect(seen('PRODUDDO DEBSPAÑA')).toBeNull()
  })

  test('is not told when another one is as likely', () => {
    const either = (index: number): Readonly<Record<string, number>> =>
      ({
        8: { S: 0.5, P: 0.5 },
        9: { P: 0.5, A: 0.5 },
        10: { A: 0.5, N: 0.5 },
        11: { I: 0.5, A: 0.5 },
        12: { N: 0.5, M: 0.5 },
        13: { '': 0.5, A: 0.5 },
      })[index] ?? {}
    expect(seen('MADE IN SPAIN-')).toBe('madeinspain')
    expect(seen('MADE IN SPAIN-', either)).toBeNull()
  })

  test('is found wherever it stands, and never in a text without its letters', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'BCFHJKLQVWXYZ 0123456789'), maxLength: 20 })
    fc.assert(
      fc.property(noise, noise, (before, after) => {
        expect(seen(`${before} MADE IN GERMANY ${after}`)).toBe('madeingermany')
        expect(seen(before + after)).toBeNull()
      }),
      { numRuns: 40 },
    )
  })
})
