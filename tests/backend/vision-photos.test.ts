import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { extractFields } from '#backend/vision/fields/extract-fields.ts'
import { createReaderProcess } from '#backend/vision/ocr/reader-process.ts'
import type { Page } from '#backend/vision/ocr/page.ts'
import type { ExtractedField } from '#backend/vision/vision.ts'

/** Photos of labels that lie beside the project; without them these tests are skipped. */
const photo = (name: string): string => fileURLToPath(new URL(`../../../shared/vision/data/${name}`, import.meta.url))
// Beside other tests a photo takes minutes.
const reader = createReaderProcess({ deadlineMs: 600_000 })
afterAll(() => reader.close())

async function pageOf(name: string): Promise<Page> {
  const page = await reader.read(photo(name))
  if (!page.ok) throw new Error(page.error.message)
  return page.value
}

function fieldOf(page: Page, field: ExtractedField['field']): ExtractedField {
  const found = extractFields(page, { type: null }).fields.find((one) => one.field === field)
  if (!found) throw new Error(`no ${field}`)
  return found
}

const cells = ({ data }: ExtractedField): Record<string, number> =>
  data?.kind === 'nutrition'
    ? Object.fromEntries(Object.entries(data.cells).map(([name, { amount }]) => [name, amount]))
    : {}

/** The same page with a word read otherwise. */
const misread = (page: Page, from: string, to: string): Page => ({
  ...page,
  lines: page.lines.map((line) => ({
    ...line,
    words: line.words.map((word) => (word.text === from ? { ...word, text: to } : word)),
  })),
})

describe.skipIf(!existsSync(photo('el_06.png')))('a photo of a label', () => {
  test('gives its table per serving, whose place holds the rows, and arithmetic notices a digit that is wrong', async () => {
    const page = await pageOf('el_06.png')
    const table = fieldOf(page, 'nutrition_per_serving')
    expect(cells(table)).toMatchObject({
      energy_kcal: 180,
      fat: 9,
      carbohydrate: 23,
      sugars: 21,
      protein: 4,
      sodium: 65,
    })
    const [x = 0, y = 0, width = 0, height = 0] = table.box ?? []
    // Names on the left, amounts and percentages on the right, the heading above and the vitamins below left out.
    expect(x).toBeLessThan(page.width * 0.1)
    expect(x + width).toBeGreaterThan(page.width * 0.5)
    expect(y).toBeGreaterThan(page.height * 0.15)
    expect(y + height).toBeLessThan(page.height * 0.92)

    const wrong = fieldOf(misread(page, '23g', '93g'), 'nutrition_per_serving')
    expect(cells(wrong)['carbohydrate']).toBe(93)
    expect(wrong.confidence).toBeLessThan(table.confidence - 0.15)
    expect(wrong.reasoning).toMatch(/give about \d+ kcal, the table says 180/)
  }, 600_000)

  test('gives its ingredients from the heading to the next thing that is said', async () => {
    const ingredients = fieldOf(await pageOf('el_01.jpg'), 'ingredients')
    expect(ingredients.value).toMatch(/^CREAM, LIQUID SUGAR/)
    expect(ingredients.value).toMatch(/CARRAGEENAN\.?$/)
    expect(ingredients.value).not.toMatch(/CONTAINS/i)
  }, 600_000)
})
