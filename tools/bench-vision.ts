import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { ExtractedField, Nutrient } from '#backend/index.ts'
import { extractFields } from '#backend/vision/fields/extract-fields.ts'
import { judgeSameProduct } from '#domain/review/same-product.ts'
import { createReaderProcess } from '#backend/vision/ocr/reader-process.ts'
import { fitShifts, halfOf, reportConfidence, type Judged } from './bench-vision-confidence.ts'

/**
 * `npm run bench -- vision`: fields of real label photos against what a person read on them.
 *
 * The photos lie beside the project and are not part of it; without them the bench is skipped. Counts are printed with
 * every share, since the set is small, and for two halves of the photos, which shows how much chance is in them. The
 * confidence is fitted on one half and measured on the other. Brands and names count as right when one of the accepted
 * ones is proposed first; "first three" is beside it.
 */
const data = fileURLToPath(new URL('../../shared/vision/data/', import.meta.url))

const amounts = z.record(z.string(), z.number())
const photoSchema = z.looseObject({
  file: z.string(),
  nut: z.object({ h: amounts.optional(), s: amounts.optional() }).optional(),
  nutIgnore: z.array(z.string()).default([]),
  ingr: z.string().optional(),
  brand: z.array(z.string()).optional(),
  name: z.array(z.string()).optional(),
  net: z.array(z.object({ q: z.number(), u: z.string() })).optional(),
  origin: z.array(z.string()).optional(),
  originOk: z.array(z.string()).default([]),
  labels: z.object({ t: z.array(z.string()).default([]), l: z.array(z.string()).default([]) }).optional(),
  labelsOk: z.array(z.string()).default([]),
  ignore: z.array(z.string()).default([]),
})
type Photo = z.infer<typeof photoSchema>

/** Precision and recall to reach, in percent. */
const goals: Readonly<Record<string, string>> = {
  'nutrition, per cell': '96 / 92',
  'nutrition, whole table': '85 / 80',
  'ingredients, similar by 0.8': '90 / 85',
  'ingredients, similar by 0.95': '75 / 70',
  'labels and certifications': '97 / 85',
  origin: '98 / 90',
  'net content': '92 / 88',
  brand: '75 / 65',
  name: '70 / 65',
}

const shortNames: Readonly<Partial<Record<Nutrient, string>>> = {
  energy_kj: 'kj',
  energy_kcal: 'kcal',
  fat: 'fat',
  saturated_fat: 'sat',
  carbohydrate: 'carb',
  sugars: 'sug',
  fibre: 'fib',
  protein: 'pro',
  salt: 'salt',
  sodium: 'sod',
}

interface Tally {
  right: number
  proposed: number
  expected: number
  /** Of brand, name and net content: photos where one of the first three is right. */
  amongThree: number
}

export async function benchVision(say: (line: string) => void, isVerbose: boolean): Promise<void> {
  const manifest = join(data, 'manifest.json')
  if (!existsSync(manifest)) {
    say(`vision: skipped, there are no label photos in ../shared/vision/data`)
    return
  }
  const photos = z.array(photoSchema).parse(JSON.parse(readFileSync(manifest, 'utf8')))
  const tallies = new Map<string, Tally>()
  const judged: Judged[] = []
  const tookMs: number[] = []
  const processorMs: number[] = []
  const products: Product[] = []
  const reader = createReaderProcess({
    log: { warn: (fields, message) => say(`${message} ${JSON.stringify(fields)}`) },
  })
  try {
    for (const photo of photos) {
      const startedMs = performance.now()
      const before = reader.processorMs()
      const page = await reader.read(join(data, photo.file))
      if (!page.ok) {
        say(`${photo.file}: ${page.error.code}, ${page.error.message}`)
        continue
      }
      const { fields, text } = extractFields(page.value, { type: null })
      const [brand] = photo.brand ?? []
      if (brand !== undefined) products.push({ text, brand, name: photo.name?.[0] ?? '' })
      tookMs.push(performance.now() - startedMs)
      processorMs.push(reader.processorMs() - before)
      const tally = (name: string): Tally => {
        const key = `${halfOf(photo.file)} ${name}`
        const counted = tallies.get(key) ?? noTally()
        tallies.set(key, counted)
        return counted
      }
      const notes = score(photo, fields, tally, (one) => void judged.push({ ...one, file: photo.file }))
      if (isVerbose && notes.length > 0) say(`${photo.file}\n  ${notes.join('\n  ')}`)
    }
  } finally {
    reader.close()
  }
  say(`vision: ${tookMs.length} photos, engine ppocr-v4+tesseract`)
  say(`${'field'.padEnd(30)} precision / recall   goal       counts; then the one half and the other`)
  for (const [name, goal] of Object.entries(goals)) {
    const halves = [tallies.get(`one ${name}`) ?? noTally(), tallies.get(`other ${name}`) ?? noTally()] as const
    const [one, other] = halves
    const { right, proposed, expected, amongThree } = {
      right: one.right + other.right,
      proposed: one.proposed + other.proposed,
      expected: one.expected + other.expected,
      amongThree: one.amongThree + other.amongThree,
    }
    const three = ['brand', 'name', 'net content'].includes(name)
      ? `, among the first three ${amongThree} of ${expected}`
      : ''
    const apart = halves
      .map((half) => `${percent(half.right, half.proposed)} / ${percent(half.right, half.expected)}`)
      .join(' and ')
    say(
      `${name.padEnd(30)} ${`${percent(right, proposed)} / ${percent(right, expected)}`.padEnd(20)} ${goal.padEnd(10)} ${right} right of ${proposed} proposed, ${expected} on the labels${three}; ${apart}`,
    )
  }
  reportConfidence(judged, say)
  reportSameProduct(products, say)
  if (isVerbose)
    say(`by how much rules are too sure of themselves (less than 0), in logits: ${JSON.stringify(fitShifts(judged))}`)
  const spread = (list: readonly number[]): string => {
    const sorted = list.toSorted((one, other) => one - other)
    const at = (share: number): string => ((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) / 1000).toFixed(1)
    return `median ${at(0.5)}, nine in ten below ${at(0.9)}, most ${at(1)}`
  }
  say(
    `seconds a photo: ${spread(tookMs)}; of a processor: ${spread(processorMs)}; peak memory of the process ${(reader.peakBytes() / 2 ** 30).toFixed(2)} GiB`,
  )
}

interface Product {
  readonly text: string
  readonly brand: string
  readonly name: string
}

/** What the words on a label say of the product that it is of, and of each other photo's product. */
function reportSameProduct(products: readonly Product[], say: (line: string) => void): void {
  const words = (label: Product, product: Product): string =>
    judgeSameProduct({ itemGtin: null, photoGtins: [], text: label.text, view: 'front', product }).text
  const own = products.map((product) => words(product, product))
  const others = products.flatMap((label) =>
    products.filter(({ brand }) => plain(brand) !== plain(label.brand)).map((product) => words(label, product)),
  )
  const of = (said: readonly string[], which: string): number => said.filter((one) => one === which).length
  say(
    `wrong product, by the words alone, as of a front: of ${own.length} right ones ${of(own, 'agrees')} agree, ${of(own, 'differs')} false alarms; of ${others.length} swapped ones ${of(others, 'differs')} caught, ${of(others, 'agrees')} taken for right, the rest undecided for want of words`,
  )
}

function noTally(): Tally {
  return { right: 0, proposed: 0, expected: 0, amongThree: 0 }
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : String(Math.round((part / whole) * 100))
}

/** Counts one photo; answers what was wrong, in words. */
function score(
  photo: Photo,
  fields: readonly ExtractedField[],
  tally: (name: string) => Tally,
  judge: (one: Omit<Judged, 'file'>) => void,
): string[] {
  const notes: string[] = []
  const of = (name: ExtractedField['field']): ExtractedField[] => fields.filter(({ field }) => field === name)

  const count = (
    name: string,
    field: ExtractedField['field'],
    expected: readonly string[] | undefined,
    isRight: (value: string) => boolean,
  ): void => {
    const found = of(field)
    const row = tally(name)
    if (!expected) return
    const [first] = found
    row.expected += 1
    if (first) row.proposed += 1
    if (first && isRight(first.value)) row.right += 1
    else
      notes.push(
        `${name}: ${found.map(({ value, confidence }) => `"${value}" ${confidence}`).join(', ') || 'nothing'}; expected ${expected.slice(0, 3).join(' | ')}`,
      )
    if (found.slice(0, 3).some(({ value }) => isRight(value))) row.amongThree += 1
    for (const { value, ...one } of found.slice(0, 3)) judge({ ...ruled(one), isRight: isRight(value) })
  }
  if (!photo.ignore.includes('brand'))
    count('brand', 'brand', photo.brand, (value) => isOneOf(value, photo.brand ?? []))
  if (!photo.ignore.includes('name'))
    count('name', 'product_name', photo.name, (value) => isOneOf(value, photo.name ?? []))

  if (!photo.ignore.includes('origin')) {
    const [first] = of('country_of_origin')
    const row = tally('origin')
    const isRight = first !== undefined && [...(photo.origin ?? []), ...photo.originOk].includes(first.value)
    if (photo.origin) row.expected += 1
    if (first && !(isRight && !photo.origin)) row.proposed += 1
    if (photo.origin && isRight) row.right += 1
    if (first) judge({ ...ruled(first), isRight })
    if ((first || photo.origin) && !isRight)
      notes.push(`origin: ${first?.value ?? 'nothing'}; expected ${photo.origin?.join(' | ') ?? 'none'}`)
  }

  if (!photo.ignore.includes('net')) {
    const found = of('net_content')
    const row = tally('net content')
    const isRight = ({ data: parts }: ExtractedField): boolean =>
      parts?.kind === 'quantity' && (photo.net ?? []).some(({ q, u }) => sameQuantity(parts.quantity, q, u))
    const [first] = found
    if (photo.net) row.expected += 1
    if (first) row.proposed += 1
    if (first && isRight(first)) row.right += 1
    else if (first || photo.net)
      notes.push(
        `net content: ${found.map(({ value, confidence }) => `${value} ${confidence}`).join(', ') || 'nothing'}; expected ${JSON.stringify(photo.net ?? [])}`,
      )
    if (photo.net && found.slice(0, 3).some(isRight)) row.amongThree += 1
    for (const one of found.slice(0, 3)) judge({ ...ruled(one), isRight: isRight(one) })
  }

  const labels = of('certifications').flatMap(({ data: parts }) => (parts?.kind === 'labels' ? parts.labels : []))
  const told = photo.labels?.t ?? []
  const row = tally('labels and certifications')
  const rightLabels = labels.filter((label) => told.includes(label))
  const wrongLabels = labels.filter(
    (label) => !told.includes(label) && !photo.labelsOk.includes(label) && !(photo.labels?.l ?? []).includes(label),
  )
  row.expected += told.length
  row.proposed += rightLabels.length + wrongLabels.length
  row.right += rightLabels.length
  for (const one of of('certifications')) judge({ ...ruled(one), isRight: wrongLabels.length === 0 })
  if (wrongLabels.length > 0 || rightLabels.length < told.length)
    notes.push(`labels: ${labels.join(', ')}; expected ${told.join(', ')}`)

  if (!photo.ignore.includes('ingr')) {
    const [first] = of('ingredients')
    const likeness = first && photo.ingr ? similarity(first.value, photo.ingr) : 0
    for (const least of [0.8, 0.95]) {
      const counted = tally(`ingredients, similar by ${least}`)
      if (photo.ingr) counted.expected += 1
      if (first) counted.proposed += 1
      if (likeness >= least) counted.right += 1
    }
    if (first) judge({ ...ruled(first), isRight: likeness >= 0.8 })
    if ((first || photo.ingr) && likeness < 0.95)
      notes.push(`ingredients: ${likeness.toFixed(2)}: ${first?.value ?? 'nothing'}`)
  }

  scoreNutrition(photo, of('nutrition_per_100'), of('nutrition_per_serving'), tally, judge, notes)
  return notes
}

function scoreNutrition(
  photo: Photo,
  hundred: readonly ExtractedField[],
  serving: readonly ExtractedField[],
  tally: (name: string) => Tally,
  judge: (one: Omit<Judged, 'file'>) => void,
  notes: string[],
): void {
  const cells = tally('nutrition, per cell')
  const tables = tally('nutrition, whole table')
  for (const [key, found] of [
    ['h', hundred],
    ['s', serving],
  ] as const) {
    const expected = photo.nut?.[key]
    const [first] = found
    const table = first?.data?.kind === 'nutrition' ? first.data.cells : {}
    const read = Object.entries(table).flatMap(([nutrient, { amount }]) => {
      const name = shortNames[nutrient as Nutrient]
      return name === undefined || photo.nutIgnore.includes(name) ? [] : [[name, amount] as const]
    })
    // Where a person wrote one column down, another column of the label is neither right nor wrong.
    if (!expected) {
      if (!photo.nut && read.length > 0) {
        cells.proposed += read.length
        tables.proposed += 1
        notes.push(`nutrition where there is none: ${first?.value}`)
        if (first) judge({ ...ruled(first), isRight: false })
      }
      continue
    }
    const wanted = Object.entries(expected).filter(([name]) => !photo.nutIgnore.includes(name))
    const right = wanted.filter(([name, amount]) =>
      read.some(([one, value]) => one === name && Math.abs(value - amount) < 0.011),
    )
    const wrong = read.filter(([name, value]) =>
      wanted.some(([one, amount]) => one === name && Math.abs(value - amount) >= 0.011),
    )
    cells.expected += wanted.length
    cells.proposed += right.length + wrong.length
    cells.right += right.length
    tables.expected += 1
    if (read.length > 0) tables.proposed += 1
    if (right.length === wanted.length && wrong.length === 0) tables.right += 1
    if (first)
      judge({
        ...ruled(first),
        isRight: right.length === wanted.length && wrong.length === 0,
      })
    if (right.length < wanted.length || wrong.length > 0)
      notes.push(`nutrition ${key}: ${first?.value ?? 'nothing'}; expected ${JSON.stringify(expected)}`)
  }
}

/** The rule behind a proposal and what it believed of it. */
function ruled({ field, source, confidence }: Omit<ExtractedField, 'value'>): Omit<Judged, 'file' | 'isRight'> {
  return { field, rule: source.split(': ')[1] ?? source, score: confidence }
}

function plain(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

function isOneOf(value: string, accepted: readonly string[]): boolean {
  return accepted.some((one) => plain(one) === plain(value))
}

function sameQuantity(
  { value, unit }: { readonly value: number; readonly unit: string },
  q: number,
  u: string,
): boolean {
  const factor: Readonly<Record<string, number>> = { kg: 1000, l: 1000, cl: 10, dl: 100 }
  const base = (name: string): string => (name === 'kg' ? 'g' : ['l', 'cl', 'dl'].includes(name) ? 'ml' : name)
  const short = unit.replace(' ', '')
  return base(short) === base(u) && Math.abs(value * (factor[short] ?? 1) - q * (factor[u] ?? 1)) < 0.01
}

/** One less the edit distance over the longer text, without accents, capitals and signs. */
function similarity(one: string, other: string): number {
  const [a, b] = [plain(one), plain(other)]
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      row.push(
        Math.min(
          (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
          (previous[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
        ),
      )
    }
    previous = row
  }
  return 1 - (previous[b.length] ?? 0) / Math.max(1, a.length, b.length)
}
