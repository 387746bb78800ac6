import type { Quantity, Unit } from '../vision.ts'
import type { Found } from './found.ts'
import { drop, joined, type Fragment, type Layout } from './layout.ts'

/** What units are written as, without accents and capitals; of two that fit the longer wins. */
const unitWords: readonly (readonly [string, Unit])[] = [
  ['fl\\.?\\s*\\.?oz|fluid\\s*ounces?|floz|onces?\\s*liq\\w*', 'fl oz'],
  ['kilogram\\w*|kilos?|kgs?|kr', 'kg'],
  ['mil+il?it\\w*|mls?|mil|mi|m1', 'ml'],
  ['centilit\\w*|cl|c1', 'cl'],
  ['decilit\\w*|dl', 'dl'],
  ['grams?|grammes?|gramm?|gramos|grammi|gr|gms?|g', 'g'],
  ['lit(?:er|re|ro|ri)s?|ltr?s?|l', 'l'],
  ['ounces?|onces?|oz', 'oz'],
  ['pounds?|livres?|lbs?', 'lb'],
  ['pints?', 'pint'],
  ['quarts?|qt', 'quart'],
  ['gallons?|gal', 'gallon'],
]
const unitPattern = unitWords.map(([word]) => word).join('|')
const number = '\\d{1,4}(?:[.,]\\d{1,3})?'

/** Millilitres or grams of one unit, to compare two statements of one content. */
const sizes: Readonly<Record<Unit, readonly ['mass' | 'volume', number]>> = {
  mg: ['mass', 0.001],
  g: ['mass', 1],
  kg: ['mass', 1000],
  oz: ['mass', 28.35],
  lb: ['mass', 453.6],
  ml: ['volume', 1],
  cl: ['volume', 10],
  dl: ['volume', 100],
  l: ['volume', 1000],
  'fl oz': ['volume', 29.57],
  pint: ['volume', 473.2],
  quart: ['volume', 946.4],
  gallon: ['volume', 3785],
}

/** Bottles and packs that are made; what is read as one of them is read well. */
const usual = new Set([
  5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 75, 80, 85, 90, 100, 110, 115, 120, 125, 130, 135, 140, 150, 160, 165,
  170, 175, 180, 185, 187, 190, 200, 210, 220, 225, 230, 240, 250, 260, 270, 275, 280, 284, 300, 310, 320, 325, 330,
  340, 341, 350, 355, 360, 370, 375, 380, 390, 397, 400, 410, 414, 415, 420, 425, 440, 450, 454, 460, 470, 473, 475,
  480, 500, 510, 540, 550, 560, 568, 570, 580, 591, 600, 620, 650, 660, 680, 700, 710, 720, 740, 750, 765, 780, 796,
  800, 825, 840, 850, 900, 907, 946, 950, 1000, 1200, 1250, 1360, 1400, 1500, 1750, 1800, 1890, 2000, 2250, 2500, 3000,
  4000, 5000, 10_000,
])

interface Statement {
  readonly quantity: Quantity
  readonly pieces: number | null
  readonly score: number
  readonly fragment: Fragment
  readonly reasons: readonly string[]
}

/** The content of the pack: `350 g`, `6 x 330 ml`, `40 g (35 ml)`; what is about a serving or 100 g is left out. */
export function findNetContent(layout: Layout): Found[] {
  const all = [...layout.fragments, ...layout.across]
  const tallest = Math.max(1, ...all.map(({ height }) => height))
  const statements = [
    ...all,
    ...layout.lines.filter(({ fragments }) => fragments.length > 1),
    ...splitStatements(layout),
  ].flatMap((fragment) => statementsOf(fragment, layout, tallest))
  const byValue = new Map<string, Statement>()
  for (const statement of multiplied(corrected(statements))) {
    const key = valueOf(statement)
    const known = byValue.get(key)
    if (!known || known.score < statement.score) byValue.set(key, statement)
  }
  const found = [...byValue].toSorted(([, one], [, other]) => other.score - one.score)
  return found
    .filter(([, { score }]) => score >= 0.45)
    .slice(0, 4)
    .map(([value, { quantity, pieces, score, fragment, reasons }]) => ({
      field: 'net_content',
      value,
      data: { kind: 'quantity', quantity, pieces },
      score: Math.min(0.95, score) * Math.min(1, fragment.confidence + 0.1),
      boxes: [fragment.box],
      reasoning: reasons.join(' '),
      rule: 'net content',
    }))
}

function valueOf({ quantity, pieces }: Statement): string {
  return `${pieces === null ? '' : `${pieces} x `}${quantity.value} ${quantity.unit}`
}

/** What the words around a number make of it. */
const declared =
  /net\s*(?:wt|weight|cont\w*|qty)?|netto\w*|poids|peso\b|contenid?o|contenu|conteudo|fullmenge|nettofyllm|volume\s*net|zawartosc|masa\s*netto|inhalt|indhold|innehall|hmotnost|tomeg|abtropf\w*|egoutte|escurrido|sgocciolato|drained/
const other =
  /per\b|pro\s|pour\s|par\s|por\s|je\s|serving|portion|porcion|porzione|daily|tagl|jour|dia\b|dose|contains?\b|caffeine|alcohol|alc|kcal|kj|vitamin|protein|fat\b|sugar|suhl|salt|carb|sodium|fibre|fiber|\bcal\b|lipides|glucides|hidratos|grasas|proteinas|grassi|zuccheri|fett|kohlen|zucker|eiwei|salz|proteines|sucres|satures|azucares|acucares|suikers|\bsel\b|\bdont\b|\bdavon\b|of\s*which|nutri|valeurs?\b|valori\b|nahrwert|voedingsw|naering|wartosc|maxi|price|€|\$/

const strength =
  /\b(?:alc\w*[. ]*(?:\/ ?vol[. ]*)?)?\d{1,2}(?:[.,]\d{1,2})?\s*%\s*(?:alc\w*[. ]*)?(?:(?:\/|by)\s*)?(?:vol\w*\.?)?(?:\s*alc\w*\.?)?/g

function statementsOf(fragment: Fragment, layout: Layout, tallest: number): Statement[] {
  const plain = fragment.plain
    .replace(/(?<=\d)[o](?=\d|\s?(?:ml|g|cl|kg)\b)/g, '0')
    .replace(/(?<=\d)[il|](?=\d)/g, '1')
    .replace(/℮/g, ' e ')
  const found: Statement[] = []
  const pattern = new RegExp(
    `(?<![\\d.,a-df-z-])(?:(\\d{1,2})\\s*(?:x|×|\\*)\\s*)?(?:e\\s?)?(?<![\\d.,-])(${number})\\s*(${unitPattern})(?=\\.?\\s*(?:e|C)?(?![a-z\\d%]))`,
    'g',
  )
  const add = (value: number, unit: Unit, pieces: number | null, score: number, reasons: string[]): void => {
    const [, size] = sizes[unit]
    const amount = value * size
    if (value <= 0 || amount < 0.5 || amount > 30_000) return
    if (usual.has(Math.round(amount))) score += 0.05
    else if (['ml', 'cl', 'l', 'g', 'kg'].includes(unit) && Math.round(amount) % 5 !== 0) {
      score -= 0.2
      reasons = [...reasons, 'No usual size of a pack.']
    }
    found.push({ quantity: { value, unit }, pieces, score, fragment, reasons })
  }
  for (const match of plain.matchAll(pattern)) {
    const [whole, pieces, digits = '', word = ''] = match
    const unit = unitWords.find(([words]) => new RegExp(`^(?:${words})$`).test(word))?.[1]
    if (!unit) continue
    const before = plain.slice(0, match.index)
    const after = plain.slice(match.index + whole.length)
    const reasons: string[] = []
    let score = 0.5
    const hasMark = /(?:^|\W)e\s*$/.test(before) || /^e\s?\d/.test(whole) || /^\.?\s*e(?![a-z])/.test(after)
    if (hasMark) {
      score += 0.35
      reasons.push('Has the e-mark beside it.')
    }
    if (declared.test(before) || nearDeclared(fragment, layout)) {
      score += 0.3
      reasons.push('Stands beside the words for the net content.')
    }
    // How strong a drink is stands beside how much there is of it.
    const [ahead, behind] = [before.replace(strength, ' '), after.replace(strength, ' ')]
    const bare = ahead.replace(/[^a-z]/g, '').length + behind.replace(/[^a-z]/g, '').length
    if (bare <= 3) {
      score += 0.15
      reasons.push('Stands alone.')
    } else if (bare > 25) score -= 0.2
    if (fragment.height > tallest * 0.35) score += 0.05
    const around = `${ahead.slice(-28)} ${behind.slice(0, 22)}`
    if (other.test(around) && !declared.test(before.slice(-24))) {
      score -= 0.45
      reasons.push('The words around it speak of something else than the pack.')
    }
    if (/^\s*\/|%/.test(after.slice(0, 3)) || /\/\s*$/.test(before)) {
      // "40 g / 1.4 oz" are two statements of one content; "5 g / 100 ml" is none.
      if (!new RegExp(`^\\s*/\\s*${number}\\s*(?:oz|fl|lb|g|ml)`).test(after) && !/oz|lb/.test(word)) score -= 0.2
    }
    if (inTable(fragment, layout)) score -= 0.35
    if (reasons.length === 0) reasons.push('A number with a unit.')
    add(Number(digits.replace(',', '.')), unit, pieces === undefined ? null : Number(pieces), score, reasons)
    const second = new RegExp(`^\\.?\\s*e?\\s*[-–/(|,=]*\\s*(${number})\\s*(${unitPattern})(?![a-z\\d%])`).exec(after)
    const secondUnit = second && unitWords.find(([words]) => new RegExp(`^(?:${words})$`).test(second[2] ?? ''))?.[1]
    if (second && secondUnit)
      add(Number((second[1] ?? '').replace(',', '.')), secondUnit, null, score - 0.02, [
        ...reasons,
        'The second unit of one statement.',
      ])
  }
  if (found.length === 0) {
    // What readers make of "75 cl" in small print, and of the Cyrillic "мл".
    const centilitre = /(?<![\d.,])(75|37[.,]5|70|50|33|20|25|150|100|18[.,]7)\s?(?:d|c[il1|]?)(?=$|[\s.e])/.exec(plain)
    if (centilitre && plain.length < 14)
      add(Number((centilitre[1] ?? '').replace(',', '.')), 'cl', null, 0.5, [
        'Read as centilitres; the unit was not clear.',
      ])
    const millilitre = /(?<![\d.,])(\d{2,4})\s?(?:m[enjaл]{0,2}|мл)\s?e?$/.exec(plain)
    // "12M" in the sign of an opened jar says how long the product keeps.
    if (millilitre && plain.length < 10 && !/^\W*(?:3|6|9|12|18|24|36|48)\s?m\W*$/.test(plain))
      add(Number(millilitre[1]), 'ml', null, 0.5, ['Read as millilitres; the unit was not clear.'])
    const grams = /^\W*(\d{2,4})\s?r\s?e?\W*$/.exec(plain)
    if (grams) add(Number(grams[1]), 'g', null, 0.3, ['Read as grams; the unit was not clear.'])
  }
  return found
}

/** A number that was found apart from its unit, which stands beside it. */
function splitStatements(layout: Layout): Fragment[] {
  const units = new RegExp(`^\\W*(?:${unitPattern})(?![a-z\\d])`)
  return layout.fragments
    .filter(({ plain }) => units.test(plain))
    .flatMap((unit) =>
      layout.fragments
        .filter(
          (one) =>
            /^\W*(?:e\s?)?\d{1,4}(?:[.,]\d{1,2})?$/.test(one.plain) &&
            Math.abs(drop(one, unit)) < 0.8 &&
            one.left < unit.left &&
            unit.left - one.right < Math.max(one.height, unit.height) * 0.8 &&
            unit.left - one.right > -one.height,
        )
        .map((one) => joined([one, unit])),
    )
}

/** Whether the fragment on the left or just above says that this is the content. */
function nearDeclared(fragment: Fragment, layout: Layout): boolean {
  return layout.fragments.some((one) => {
    if (one === fragment || !declared.test(one.plain) || one.plain.length > 40) return false
    const down = drop(one, fragment)
    const isBeside =
      Math.abs(down) < 0.6 &&
      one.right < fragment.left + fragment.height &&
      fragment.left - one.right < fragment.height * 4
    const isAbove = down > 0.3 && down < 2.2 && one.left < fragment.right && one.right > fragment.left
    return isBeside || isAbove
  })
}

/** Whether names of nutrients stand in its row or just above and below: a cell of a table. */
function inTable(fragment: Fragment, layout: Layout): boolean {
  const near = layout.fragments.filter(
    (one) =>
      one !== fragment &&
      Math.abs(one.leftY - fragment.leftY) < fragment.height * 2.2 &&
      /fat|fett|lipides|grasas|grassi|sugar|zucker|sucres|protein|eiwei|carb|kohlenh|glucides|sodium|salt|salz|sel\b|energy|energ|serving|portion/.test(
        one.plain,
      ),
  )
  const column = layout.fragments.filter(
    (one) =>
      /^\W*[<\d.,]+ ?m?c?g\W*$/.test(one.plain) &&
      one.left < fragment.right &&
      one.right > fragment.left &&
      Math.abs(one.leftY - fragment.leftY) < fragment.height * 6,
  )
  if (column.length >= 3) return true
  return near.length >= 2 || near.some((one) => Math.abs(drop(one, fragment)) < 0.5)
}

/** `500 g` and `4 x 125 g` are one content: they speak for each other, and against `125 g` alone. */
function multiplied(statements: readonly Statement[]): Statement[] {
  const sizeOf = ({ quantity }: Statement): number => quantity.value * sizes[quantity.unit][1]
  const kindOf = ({ quantity }: Statement): string => sizes[quantity.unit][0]
  const isAlike = (one: number, other: number): boolean => Math.abs(one - other) < other * 0.01
  return statements.map((statement) => {
    const relatives = statements.filter((one) => kindOf(one) === kindOf(statement))
    if (statement.pieces !== null) {
      const whole = sizeOf(statement) * statement.pieces
      const hasWhole = relatives.some((one) => one.pieces === null && isAlike(sizeOf(one), whole))
      return hasWhole ? { ...statement, score: statement.score + 0.1 } : statement
    }
    const isWhole = relatives.some((one) => one.pieces !== null && isAlike(sizeOf(one) * one.pieces, sizeOf(statement)))
    const isPiece = relatives.some((one) => one.pieces !== null && isAlike(sizeOf(one), sizeOf(statement)))
    return isWhole || isPiece ? { ...statement, score: statement.score + (isWhole ? 0.15 : -0.25) } : statement
  })
}

/**
 * Two statements of one content in two units check each other. Where the metric one is off by a digit, the other one
 * says which: 751 ml beside 25.3 fl oz is 750 ml.
 */
function corrected(statements: readonly Statement[]): Statement[] {
  return statements.map((statement) => {
    const partner = statements.find(
      (one) =>
        one.fragment === statement.fragment &&
        one.quantity.unit !== statement.quantity.unit &&
        sizes[one.quantity.unit][0] === sizes[statement.quantity.unit][0],
    )
    if (!partner) return statement
    const [, size] = sizes[statement.quantity.unit]
    const [, partnerSize] = sizes[partner.quantity.unit]
    const amount = statement.quantity.value * size
    const told = partner.quantity.value * partnerSize
    const off = Math.abs(amount - told) / told
    if (off > 0.02) return statement
    const isMetric = ['ml', 'g'].includes(statement.quantity.unit)
    const round = Math.round(amount / 10) * 10
    if (isMetric && amount % 5 !== 0 && usual.has(round) && Math.abs(round - told) / told < 0.02) {
      return {
        ...statement,
        quantity: { ...statement.quantity, value: round },
        score: statement.score + 0.35,
        reasons: [
          ...statement.reasons.filter((one) => !one.startsWith('No usual')),
          `Read as ${statement.quantity.value}, which ${partner.quantity.value} ${partner.quantity.unit} correct.`,
        ],
      }
    }
    return {
      ...statement,
      score: statement.score + 0.2,
      reasons: [...statement.reasons, `Agrees with ${partner.quantity.value} ${partner.quantity.unit}.`],
    }
  })
}
