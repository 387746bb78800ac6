import { nutrients, type Box, type Nutrient, type NutritionCells, type NutritionPer } from '../vision.ts'
import { checkNutrition } from './arithmetic.ts'
import type { Found } from './found.ts'
import { yAt, type Fragment, type Layout } from './layout.ts'

/**
 * Nutrition tables: rows and columns of every kind, and tables set as running text.
 *
 * Names of nutrients and amounts are found first, wherever they are; each amount then belongs to the nearest name on
 * its left in its row, and to the column under whose heading it stands. Percentages of a daily value are left out.
 */
export function findNutrition(layout: Layout): Found[] {
  const texts = layout.fragments.map(scan)
  const names = texts.flatMap(({ names: found }) => found)
  const amounts = texts.flatMap(({ amounts: found }) => found)
  const headings = texts.flatMap(({ headings: found }) => found)
  const rows = rowsOf(names, amounts, layout)
  if (rows.size < 2 && ![...rows.keys()].some((nutrient) => nutrient.startsWith('energy'))) return []
  if ([...rows.values()].flat().filter(({ unit }) => unit !== null).length < 2) return []
  const isAmerican = layout.fragments.some(({ plain }) => american.test(plain))
  const columns = columnsOf(rows, headings, isAmerican)
  const found: Found[] = []
  for (const [per, cells] of columns.cells) {
    const entries = [...cells].filter(([nutrient, amount]) => isPossible(nutrient, amount, per))
    if (entries.length === 0) continue
    const inOrder = Object.keys(nutrients).flatMap((nutrient) => entries.filter(([one]) => one === nutrient))
    const table = Object.fromEntries(
      inOrder.map(([nutrient, { amount, isLess }]) => [nutrient, { amount, isLess }]),
    ) as NutritionCells
    const { faults, proofs } = checkNutrition(table, per)
    const read = entries.reduce((sum, [, { confidence }]) => sum + confidence, 0) / entries.length
    const isGuessed = entries.some(([, amount]) => amount.isGuessed)
    let score = 0.72 + 0.05 * Math.min(4, proofs.length) - 0.2 * faults.length
    if (!columns.isNamed) score -= 0.2
    if (isGuessed) score -= 0.1
    if (entries.length < 4) score -= 0.15
    const reasons = [
      `Read from a table of ${entries.length} amounts, ${columns.isNamed ? `under "per ${per}"` : `whose heading was not read, taken as per ${per}`}.`,
      ...proofs.slice(0, 2),
      ...faults,
      ...(isGuessed ? ['The unit of an amount was not printed clearly.'] : []),
    ]
    found.push({
      field: per === 'serving' ? 'nutrition_per_serving' : 'nutrition_per_100',
      value: textOf(table),
      data: { kind: 'nutrition', per, cells: table },
      score: Math.max(0.05, score) * Math.min(1, read + 0.05),
      boxes: entries.flatMap(([, { boxes }]) => boxes),
      reasoning: reasons.join(' '),
      rule: 'nutrition table',
    })
  }
  return [...found, ...servingSizes(layout)]
}

/** `energy 636 kJ, fat <0.5 g`: a table in one line. */
export function textOf(cells: NutritionCells): string {
  return Object.entries(cells)
    .map(([nutrient, { amount, isLess }]) => {
      const name = nutrient.startsWith('energy') ? 'energy' : nutrient.replace('_', ' ')
      return `${name} ${isLess ? '<' : ''}${amount} ${nutrients[nutrient as Nutrient]}`
    })
    .join(', ')
}

/** The energy row as labels name it, before its unit says which of the two it is. */
type RowName = Exclude<Nutrient, 'energy_kj' | 'energy_kcal'> | 'energy' | 'calories' | 'other'

/**
 * What labels call the rows, without accents; of two that fit at a place the earlier wins. A space may be missing
 * anywhere, and an l or 1 may be an i.
 */
const rowNames: readonly (readonly [RowName, RegExp])[] = [
  ['other', /calories?\s*from\s*fat|fat\s*calories?|calories?\s*provenant/],
  [
    'added_sugars',
    /(?:added|ajoutes?|anadidos|adicionados|adicionais|toegevoegde)\s*(?:sugars?|suikers)?|sucres\s*ajoutes|azucares\s*anadidos|zugesetzter?\s*zucker/,
  ],
  [
    'saturated_fat',
    /saturated\s*fat(?:ty\s*acids?)?|fat\s*saturated|sat\.?\s*fat|saturates?|gesattigte\s*(?:fettsauren)?|ges\.\s*fetts\w*|(?:acides?\s*gras\s*)?satures?\b|(?:acidi\s*grassi\s*)?saturi|(?:acidos\s*grasos\s*|grasas?\s*|gorduras?\s*|lipidos\s*)?saturad[oa]s?|verzadigd[e]?(?:\s*vet\w*)?|kwasy\s*(?:tluszczowe\s*)?nasycone|nasycen\w+|nasytene|telitett|mattat\s*fett|mattede|mettede|tyydyttynei?ta|saturat[ie]|zasicene|nasicene|kopeapa/,
  ],
  [
    'trans_fat',
    /trans\s*fat(?:ty\s*acids?)?|trans-?fett\w*|(?:acides?\s*gras\s*|acidi\s*grassi\s*|grasas?\s*|gorduras?\s*)trans\b|\btrans\b/,
  ],
  [
    'other',
    /(?:mono|poly)\s*-?\s*(?:un)?saturate[ds]?(?:\s*fat)?|einfach\s*ungesattigte\w*|mehrfach\s*ungesattigte\w*|(?:mono|poli|poly)\s*-?\s*in?sat\w+|omega\s*-?\s*[369]|enkelvoudig\s*onverzadigd|meervoudig\s*onverzadigd/,
  ],
  ['cholesterol', /cholest\w*|colest\w*/],
  [
    'fat',
    /total\s*fat|fat,?\s*total|matieres?\s*grasses?(?:\s*totales?)?|lipides?|lip(?:idos|idi)(?:\s*totales)?|grassi(?:\s*totali)?|(?:gr)?asas\s*totales|grasas?|gorduras?(?:\s*totais)?|\bfat\b|\bfett\w{0,4}\b|\bvet(?:ten)?\b|tluszcz\w*|\bzsir\b|\btuky\b|\brasva\w*|\bfedt\b|\bmasti\b|\bmascobe\b|grasimi|riebalai|tauki|rasvad|\blipara\b/,
  ],
  ['polyols', /polyol[se]*|polyalcohols?|mehrwertige\s*alkohole|poliol[ie]s?|sugar\s*alcohols?/],
  [
    'carbohydrate',
    /total\s*carb(?:ohydrates?|\.)?|carbohydrates?|carb\.|kohlenhydrate?|glucides(?:\s*totaux)?|carboidrati|(?:hidratos|hidrats)\s*de\s*carbon[oi]?|carbohidratos(?:\s*disponibles)?|\bdisponibles\b|\brbohidratos|carboidratos(?:\s*totais)?|koolhydraten|weglowodany|szenhidrat|kolhydrat(?:er)?|kulhydrat(?:er)?|karbohydrat(?:er)?|sacharidy|hiilihydraat\w*|ugljikohidrati|ogljikovi\s*hidrati|glucide|angliavandeniai|oglhidrati|susivesikud/,
  ],
  [
    'sugars',
    /(?:total\s*)?sugars?\b|zucker\b|sucres\b|zuccheri\b|azucares\b|ucares\b|acucares\b|suikers\b|cukry\b|cukor\b|cukrok\b|sockerarter|sukkerarter|sokereita|secer[ai]?\b|sladkorji|zaharuri|cukrai|cukuri|suhkrud/,
  ],
  [
    'fibre',
    /(?:dietary\s*|alimentary\s*)?fib(?:er|re)s?(?:\s*alimentaires?)?|ballaststoffe?|fibra(?:s)?(?:\s*(?:dietetic[oa]|alimentar|alimentare|alimentaria)s?)?|voedingsvezels?|vezels?\b|blonnik|rostok|\brost\b|kost?fiber|vlaknina|ravintokuitu\w*|prehrambena\s*vlakna|prehranske\s*vlaknine/,
  ],
  [
    'protein',
    /proteins?\b|proteines?\b|proteine\b|proteinas?\b|eiwei(?:ss|b|s)?e?\b|eiwitten|eiwit\b|bialko|feherje|bielkoviny|bilkoviny|protein\b|proteiini\w*|bjelancevine|beljakovine|baltymai|olbaltumvielas|valgud/,
  ],
  [
    'salt',
    /\bsalt\b|\bsalz\b|\bsel\b|\bsale\b|\bsal\b|\bzout\b|\bsol\b|\bsul\b|\bso\b(?=\D{0,3}\d)|\bsuola\w*|\bsare\b|\bdruska\b|\bsals\b|\bsool\b/,
  ],
  ['sodium', /sodium\b|natrium\b|sodio\b|\bsodik\b|\bsod\b/],
  ['calories', /calories?\b|calorias?\b|kalorien\b/],
  [
    'energy',
    /energy(?:\s*value)?|energie(?:wert|waarde|gehalt)?|brennwert|energia|energetick\w*|(?:valor|contenido)\s*energetico|valeur\s*energetique|valore\s*energetico|wartosc\s*energetyczna|energi\b|energetska\s*vrijednost|valoare\s*energetica|energetine\s*verte|energeetiline/,
  ],
  [
    'other',
    /vitamin\w*|calcium|calcio|kalzium|\biron\b|\bhierro\b|\bfer\b|\beisen\b|potas[a-z]*|kalium|magnes\w*|phosph\w*|\bzinc\b|\bzink\b|folic|folate|niacin\w*|thiamin\w*|riboflavin\w*|iodine|starch|starke|amidon|zetmeel|almidon/,
  ],
]

const american =
  /nutrition\s*facts|amount\s*\/?\s*(?:per)?\s*serving|daily\s*value|%\s*dv|valeur\s*nutritive\b(?!s)|%\s*vd|servings?\s*per\s*container|informacion\s*nutrimental/

interface Name {
  readonly row: RowName
  readonly fragment: Fragment
  /** Where in the fragment's text it begins and ends. */
  readonly from: number
  readonly to: number
  readonly x: number
  /** A unit that stands behind the name: `Energy (kJ)`. */
  readonly unit: string | null
}

interface Amount {
  readonly amount: number
  readonly unit: 'kj' | 'kcal' | 'g' | 'mg' | null
  readonly isLess: boolean
  readonly isGuessed: boolean
  readonly fragment: Fragment
  readonly from: number
  readonly x: number
  readonly confidence: number
  readonly boxes: readonly Box[]
}

interface Heading {
  readonly per: NutritionPer | 'other'
  readonly x: number
  readonly y: number
}

function scan(fragment: Fragment): { names: Name[]; amounts: Amount[]; headings: Heading[] } {
  const width = fragment.right - fragment.left
  // What stands for nothing keeps its place, so that indexes stay true.
  let plain = fragment.plain
    .replace(/(?<![a-z\d.,])[o0]{1,2}(?=\s?(?:g|mg|kcal|kj)\b)/g, (zero) => '0'.repeat(zero.length))
    .replace(/(?<![a-z\d])o(?=[.,]\d)/g, '0')
    .replace(/(?<=\d)[ol](?=[\d.,]|\s?m?g\b)/g, (letter) => (letter === 'o' ? '0' : '1'))
    .replace(/(?<![a-z])[il|](?=\d|[.,]\d)/g, '1')
    .replace(/inc(?:ludes?|l)?[.l]?\s*(?=[\d ]{1,4}g\s*added)/g, (word) => ' '.repeat(word.length))
  const at = (index: number): number => fragment.left + (index / Math.max(1, plain.length)) * width
  const names: Name[] = []
  const amounts: Amount[] = []
  const headings: Heading[] = []
  const blank = (from: number, to: number): void => {
    plain = plain.slice(0, from) + ' '.repeat(to - from) + plain.slice(to)
  }

  // "20g added sugars": the amount comes first.
  for (const match of plain.matchAll(
    /(\d[\d ]{0,3})\s*g\s*(added\s*sugars?|de\s*sucres\s*ajoutes|de\s*azucares\s*anadidos)/g,
  )) {
    const to = match.index + match[0].length
    names.push({
      row: 'added_sugars',
      fragment,
      from: match.index,
      to: match.index,
      x: at(match.index) - 1,
      unit: null,
    })
    amounts.push(
      amountOf(fragment, match.index, at(match.index), (match[1] ?? '').replaceAll(' ', ''), 'g', false, false),
    )
    blank(match.index, to)
  }
  for (const { per, pattern } of headingPatterns) {
    for (const match of plain.matchAll(pattern)) {
      headings.push({ per, x: at(match.index + match[0].length / 2), y: yAt(fragment, at(match.index)) })
      blank(match.index, match.index + match[0].length)
    }
  }
  for (const [row, pattern] of rowNames) {
    for (const match of plain.matchAll(new RegExp(pattern.source, 'g'))) {
      const to = match.index + match[0].length
      const unit =
        /^\W{0,3}(?:\(?\s*)?(kj\s*\/\s*kcal|kcal\s*\/\s*kj|kj|kcal|mg|g)\b(?!\s*\d*[.,]?\d*\s*%)/.exec(
          plain.slice(to),
        )?.[1] ?? null
      names.push({ row, fragment, from: match.index, to, x: at(to), unit })
      blank(match.index, to)
    }
  }
  // "1046/250": by their ratio the one is kilojoules and the other kilocalories.
  for (const match of plain.matchAll(/(?<![\d.,/-])(\d{2,4}) ?\/ ?(\d{2,4})(?![\d.,]| ?\/|\s*[a-z%])/g)) {
    const [whole, one = '', other = ''] = match
    const ratio = Number(one) / Number(other)
    const units = ratio > 3.9 && ratio < 4.5 ? (['kj', 'kcal'] as const) : (['kcal', 'kj'] as const)
    if (units[0] === 'kcal' && (ratio < 1 / 4.5 || ratio > 1 / 3.9)) continue
    for (const [digits, unit, from] of [
      [one, units[0], match.index],
      [other, units[1], match.index + whole.length - other.length],
    ] as const)
      amounts.push(amountOf(fragment, from, at(from + digits.length / 2), digits, unit, false, true))
    blank(match.index, match.index + whole.length)
  }
  if (names.some(({ row }) => row === 'energy' || row === 'calories') || /\dk(?:j|cal)|\bk(?:j|cal)\b/.test(plain)) {
    plain = plain
      // "1 046 kJ", "1.046 kJ": thousands, and no energy has three places.
      .replace(/(?<![\d.,])(\d)[ .,](\d{3})(?=\s*kj\b)/g, ' $1$2')
      // "1046 kJ/250 kcal": two amounts; "/100 g" is none.
      .replace(/(?<=(?:kj|kcal|kd)\s?)\/(?=\s*\d)(?!\s*100\s*m?[gl])/g, ' ')
  }
  let isUnitFirst = false
  const amountPattern =
    /([<≤‹]|less\s*than|moins\s*de|weniger\s*als|menos\s*de|meno\s*di)?\s*(?<![\d.,a-z/-])(\d{1,5}(?:\s?[.,]\s?\d{1,3})?)\s*(kcal|kj|kd|cal\b|mcg|ug|µg|μg|mg|ml|g|%)?/g
  for (const match of plain.matchAll(amountPattern)) {
    const [whole, less, digits = '', unit] = match
    if (unit === '%' || unit === 'mcg' || unit === 'ug' || unit === 'µg' || unit === 'μg' || unit === 'ml') continue
    const from = match.index + whole.indexOf(digits)
    // "kJ 1046 kcal 250": once a unit stands before its number the others do.
    const [, kept = '', ahead] = /([\d.,/]\s*)?\b(kj|kcal)[\s:]*$/.exec(plain.slice(0, from)) ?? []
    isUnitFirst = ahead !== undefined && (isUnitFirst || kept === '')
    const behind = plain.slice(match.index + whole.length)
    // "12 %", "1.5 x", and the digits of a longer word are no amounts.
    if (unit === undefined && /^\s*(?:%|x\b|servings?|[a-z]{2,})/.test(behind)) continue
    amounts.push(
      amountOf(
        fragment,
        from,
        at(from + digits.length / 2),
        digits,
        isUnitFirst ? (ahead as 'kj' | 'kcal') : unitOf(unit),
        less !== undefined,
        (unit === undefined && !isUnitFirst) || unit === 'kd',
      ),
    )
  }
  names.sort((one, other) => one.from - other.from)
  return { names, amounts, headings }
}

function unitOf(word: string | undefined): Amount['unit'] {
  if (word === 'kd') return 'kj'
  return word === 'cal' ? 'kcal' : ((word as 'kj' | 'kcal' | 'g' | 'mg' | undefined) ?? null)
}

const headingPatterns: readonly { readonly per: Heading['per']; readonly pattern: RegExp }[] = [
  {
    per: 'other',
    pattern:
      /servings?\s*per\s*container|serving\s*size|(?:rac|po)ciones\s*por\s*envase|portions?\s*par\s*contenant|\brciones\s*por\s*envase/g,
  },
  { per: 'other', pattern: /per\s*container|par\s*contenant|por\s*envase|per\s*package/g },
  { per: '100 ml', pattern: /(?:per|pro|pour|par|por|je|na|pr\.?|for|a|i|om)?\s*(?<![\d(])100\s*ml\b/g },
  {
    per: '100 g',
    pattern:
      /(?:per|pro|pour|par|por|je|na|pr\.?|for|a|i|om)?\s*(?<![\d(])[1i]0[0o]\s*(?:g|gr|grammes?|gramm)?\b(?!\s*[%)\d]|\s*(?:kcal|kj|mg|years|jahre))(?<=g|gr|grammes?|gramm)/g,
  },
  {
    per: 'serving',
    pattern:
      /(?:amount\s*[/\s]?\s*(?:per\s*)?serving|(?:per|pro|par|por|je|na|pr\.?)\s*(?:\w+\s*)?(?:serving|portion|porcion|porcao|porzione|portie|porcje|porcja|annos|stuck|riegel|biscuit|becher|scheibe|glas|unit|piece|bar|tablet)\w*|cantidad\s*por\s*porcion|teneur\s*par)/g,
  },
  { per: 'serving', pattern: /(?:per|pro|par|por|je)\s*(?!100\b)\d{1,3}(?:[.,]\d)?\s*(?:g|ml)\b/g },
]

function amountOf(
  fragment: Fragment,
  from: number,
  x: number,
  digits: string,
  unit: Amount['unit'],
  isLess: boolean,
  isGuessed: boolean,
): Amount {
  const word = fragment.words.find(({ left, right }) => x >= left && x <= right)
  return {
    amount: Number(digits.replaceAll(' ', '').replace(',', '.')),
    unit,
    isLess,
    isGuessed,
    fragment,
    from,
    x,
    confidence: word?.confidence ?? fragment.confidence,
    boxes: [word?.box ?? fragment.box],
  }
}

/** Each amount with the name that it belongs to; the row that says most of a nutrient is kept. */
function rowsOf(names: readonly Name[], amounts: readonly Amount[], layout: Layout): Map<Nutrient, Amount[]> {
  const byName = new Map<Name, Amount[]>()
  const loose: Amount[] = []
  const calories = names.filter(({ row }) => row === 'calories')
  for (const amount of amounts) {
    const name = nameOf(amount, names) ?? nameAbove(amount, names, layout)
    if (!name) {
      loose.push(amount)
      continue
    }
    const row = byName.get(name)
    if (row) row.push(amount)
    else byName.set(name, [amount])
  }
  const rows = new Map<Nutrient, Amount[]>()
  const put = (nutrient: Nutrient, row: readonly Amount[]): void => {
    if (row.length > (rows.get(nutrient)?.length ?? 0))
      rows.set(
        nutrient,
        row.toSorted((one, other) => one.x - other.x),
      )
  }
  for (const [name, row] of byName) {
    if (name.row === 'other') continue
    const named = boxesOf(name)
    const ordered = row
      .toSorted((one, other) => one.x - other.x)
      .map((amount) => ({ ...amount, boxes: [...amount.boxes, ...named] }))
    if (name.row === 'energy' || name.row === 'calories') {
      const isPaired = name.unit?.includes('/') === true
      const isKjFirst = name.unit?.startsWith('kj') ?? true
      const kj = ordered.filter(
        ({ unit }, index) =>
          unit === 'kj' || (unit === null && (isPaired ? (index % 2 === 0) === isKjFirst : name.unit === 'kj')),
      )
      const kcal = ordered.filter(
        ({ unit }, index) =>
          unit === 'kcal' ||
          (unit === null &&
            (isPaired
              ? (index % 2 === 1) === isKjFirst
              : name.unit === 'kcal' || (name.row === 'calories' && name.unit === null))),
      )
      if (kj.length > 0) put('energy_kj', kj)
      if (kcal.length > 0) put('energy_kcal', kcal)
      continue
    }
    const usual = nutrients[name.row]
    const known = ordered
      .filter(({ unit }) => unit === null || unit === 'g' || unit === 'mg')
      .map((amount) => ({
        ...amount,
        amount: inUnit(
          amount.amount,
          amount.unit ?? (name.unit === 'mg' || name.unit === 'g' ? name.unit : null),
          usual,
        ),
      }))
    // Where some of a row have a unit, a bare number beside them is a percentage whose sign was not read.
    const some = known.some(({ unit }) => unit !== null)
    put(name.row, some ? known.filter(({ unit }) => unit !== null) : known)
  }
  for (const unit of ['kj', 'kcal'] as const) {
    const key = unit === 'kj' ? 'energy_kj' : 'energy_kcal'
    const more = loose.filter((amount) => amount.unit === unit)
    if (!rows.has(key) && more.length > 0 && rows.size > 0) put(key, more)
  }
  // America prints the calories large, beside their name or below it.
  for (const name of rows.has('energy_kcal') ? [] : calories) {
    const large = amounts.filter(
      ({ fragment, unit }) =>
        unit === null &&
        /^\W*\d{1,4}\W*$/.test(fragment.plain) &&
        fragment.height > name.fragment.height * 1.15 &&
        Math.abs((fragment.leftY + fragment.rightY) / 2 - yAt(name.fragment, fragment.left)) <
          name.fragment.height * 4 &&
        fragment.left < name.fragment.right + name.fragment.height * 12 &&
        fragment.right > name.fragment.left,
    )
    if (large.length > 0) put('energy_kcal', large.slice(0, 1))
  }
  for (const [key, row] of rows) if (row.length === 0) rows.delete(key)
  return rows
}

/** Where the words of a row's name stand. */
function boxesOf({ fragment, from, to }: Name): readonly Box[] {
  const letter = (fragment.right - fragment.left) / Math.max(1, fragment.plain.length)
  return fragment.words
    .filter(
      ({ left, right }) => right > fragment.left + (from + 0.5) * letter && left < fragment.left + (to - 0.5) * letter,
    )
    .map(({ box }) => box)
}

function inUnit(amount: number, unit: 'g' | 'mg' | 'kj' | 'kcal' | null, wanted: string): number {
  if (unit === 'g' && wanted === 'mg') return round(amount * 1000)
  if (unit === 'mg' && wanted === 'g') return round(amount / 1000)
  return amount
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000
}

/** The name before an amount: in its own fragment, or the nearest on its left in its row. */
function nameOf(amount: Amount, names: readonly Name[]): Name | undefined {
  let own: Name | undefined
  for (const name of names)
    if (name.fragment === amount.fragment && name.to <= amount.from && (!own || name.to > own.to)) own = name
  if (own) return own
  let best: Name | undefined
  let least = Infinity
  for (const name of names) {
    if (name.fragment === amount.fragment || name.x > amount.x) continue
    const height = Math.min(name.fragment.height, amount.fragment.height)
    // Either line extended to the other: the longer of the two knows the direction better.
    const byName = yAt(amount.fragment, amount.x) - yAt(name.fragment, amount.x)
    const byAmount = yAt(amount.fragment, name.x) - yAt(name.fragment, name.x)
    const off = Math.min(Math.abs(byName), Math.abs(byAmount), Math.abs((byName + byAmount) / 2)) / height
    if (off > 0.6 || name.fragment.height > amount.fragment.height * 2.5) continue
    const cost = off * 3 + (amount.x - name.x) / (height * 8)
    if (cost < least) {
      least = cost
      best = name
    }
  }
  return best
}

/** In running text: the last name of the line above, when an amount begins its line. */
function nameAbove(amount: Amount, names: readonly Name[], layout: Layout): Name | undefined {
  if (amount.unit === null || amount.from > 3) return undefined
  const at = layout.lines.findIndex(({ fragments }) => fragments[0] === amount.fragment)
  const line = layout.lines[at]
  if (!line) return undefined
  const above = layout.lines
    .slice(0, at)
    .findLast((one) => one.left < line.right && one.right > line.left && one.height < line.height * 1.6)
  if (!above || above.right - above.left < above.height * 8) return undefined
  return names.findLast(
    (name) => above.fragments.includes(name.fragment) && name.to >= name.fragment.plain.trimEnd().length - 2,
  )
}

function columnsOf(
  rows: ReadonlyMap<Nutrient, readonly Amount[]>,
  headings: readonly Heading[],
  isAmerican: boolean,
): { cells: Map<NutritionPer, Map<Nutrient, Amount>>; isNamed: boolean } {
  const top = Math.min(...[...rows.values()].flat().map(({ fragment }) => fragment.leftY))
  const all = [...rows.values()].flat()
  const height = all.reduce((sum, { fragment }) => sum + fragment.height, 0) / Math.max(1, all.length)
  // Headings stand above their columns, or in the sentence that begins a table set as text.
  const above = headings.filter(({ y, per }) => per !== 'other' && y < top + height * 2.5)
  const usable = above.length > 0 ? above : headings.filter(({ per }) => per !== 'other')
  const kinds = new Map<NutritionPer, Heading>()
  for (const heading of usable) if (heading.per !== 'other' && !kinds.has(heading.per)) kinds.set(heading.per, heading)
  const hasOther = headings.some(({ per, y }) => per === 'other' && y > 0)
  const hundred: NutritionPer = kinds.has('100 ml') && !kinds.has('100 g') ? '100 ml' : '100 g'
  const hasKj = rows.has('energy_kj')
  const cells = new Map<NutritionPer, Map<Nutrient, Amount>>()
  const put = (per: NutritionPer, nutrient: Nutrient, amount: Amount): void => {
    const column = cells.get(per) ?? new Map<Nutrient, Amount>()
    cells.set(per, column)
    if (!column.has(nutrient)) column.set(nutrient, amount)
  }
  const isTyped = kinds.size > 0 || isAmerican
  const single: NutritionPer =
    kinds.size === 1
      ? ([...kinds.keys()][0] ?? hundred)
      : isAmerican && !kinds.has(hundred)
        ? 'serving'
        : kinds.size === 0
          ? hasKj || !isAmerican
            ? hundred
            : 'serving'
          : hundred
  const ordered = [...kinds].toSorted(([, one], [, other]) => one.x - other.x)
  const counts = [...rows.values()].map((row) => row.length)
  const usual = counts.toSorted((one, other) => one - other)[Math.floor(counts.length / 2)] ?? 1
  for (const [nutrient, row] of rows) {
    if (row.length === 0) continue
    const [first, second] = row
    if (!first) continue
    if (ordered.length >= 2 && (usual >= 2 || row.length >= 2)) {
      if (row.length >= ordered.length) ordered.forEach(([per], index) => row[index] && put(per, nutrient, row[index]))
      else for (const amount of row) put(nearest(ordered, amount.x), nutrient, amount)
    } else if (ordered.length >= 2) {
      put(nearest(ordered, first.x), nutrient, first)
    } else {
      put(single, nutrient, first)
      // A second column whose heading was not read: what is not per 100 is per serving, unless it is per container.
      if (second && usual >= 2 && single !== 'serving' && !hasOther) put('serving', nutrient, second)
    }
  }
  return { cells, isNamed: isTyped }
}

function nearest(ordered: readonly (readonly [NutritionPer, Heading])[], x: number): NutritionPer {
  return ordered.reduce((best, one) => (Math.abs(one[1].x - x) < Math.abs(best[1].x - x) ? one : best))[0]
}

/** What no food has is a misreading, most often a decimal point that is lost. */
function isPossible(nutrient: Nutrient, { amount }: Amount, per: NutritionPer): boolean {
  const most: Readonly<Partial<Record<Nutrient, number>>> = {
    energy_kj: 3_800,
    energy_kcal: 910,
    cholesterol: 3_500,
    sodium: 40_000,
  }
  return amount <= (most[nutrient] ?? 100) * (per === 'serving' ? 5 : 1)
}

function servingSizes(layout: Layout): Found[] {
  const pattern =
    /(?:serving\s*size|serv\.?\s*size|portionsgro(?:ss|b)e|taille\s*de\s*la\s*portion|tamano\s*(?:de\s*)?(?:la\s*)?porcion|porcion|porcao|porzione|portion)\D{0,12}(?:[\d/.,\s]+\w+\s*\()?\s*:?\s*(\d+(?:[.,]\d+)?)\s*(g|ml)\b/
  for (const line of layout.lines) {
    const rest = layout.fragments.filter(
      (one) =>
        one.left > line.right &&
        /^\W*\d/.test(one.plain) &&
        Math.abs(yAt(line, one.left) - one.leftY) < line.height * 0.6,
    )
    const text = [line.plain, ...rest.map(({ plain }) => plain)].join(' ').replace(/(?<=\d)o/g, '0')
    const match = pattern.exec(text)
    if (!match) continue
    const value = `${(match[1] ?? '').replace(',', '.')} ${match[2]}`
    return [
      {
        field: 'serving_size',
        value,
        data: null,
        score: 0.85,
        boxes: [line.box, ...rest.map(({ box }) => box)],
        reasoning: 'Stands beside the words for a serving.',
        rule: 'serving size',
      },
    ]
  }
  return []
}
