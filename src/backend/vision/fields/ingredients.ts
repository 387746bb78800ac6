import type { Found } from './found.ts'
import { drop, joined, yAt, type Fragment, type Layout, type Line } from './layout.ts'

/**
 * Lists of ingredients: from their heading, in whatever language, to the end of their paragraph; and lists whose
 * heading is not on the photo, by what they are made of.
 */
export function findIngredients(layout: Layout): Found[] {
  const found: Found[] = []
  const taken = new Set<Fragment>()
  for (const line of layout.lines) {
    if (line.fragments.some((fragment) => taken.has(fragment))) continue
    const start = startOf(line)
    if (!start) continue
    const list = collect(layout, line, start)
    if (!list || list.text.length < 8) continue
    for (const one of list.lines) for (const fragment of one.fragments) taken.add(fragment)
    found.push(
      propose(
        list,
        `Follows the heading "${start.heading}".`,
        'ingredients heading',
        isListLike(list.text) ? 0.85 : 0.5,
      ),
    )
  }
  if (found.length === 0) {
    const list = headless(layout)
    if (list)
      found.push(
        propose(
          list,
          'Reads like a list of ingredients; its heading is not on the photo.',
          'ingredients without heading',
          0.5,
        ),
      )
  }
  const once = found.filter(({ value }, index) => found.findIndex((one) => one.value === value) === index)
  return once.toSorted((one, other) => other.score - one.score).slice(0, 3)
}

interface List {
  readonly text: string
  readonly lines: readonly Line[]
  readonly isEnded: boolean
}

function propose(list: List, reason: string, rule: string, base: number): Found {
  const read = list.lines.reduce((sum, { confidence }) => sum + confidence, 0) / list.lines.length
  const worst = Math.min(...list.lines.map(({ confidence }) => confidence))
  const reasons = [reason]
  let score = base * Math.min(1, 0.2 + read * 0.85)
  if (worst < 0.85) {
    score -= 0.12
    reasons.push('Some of its lines were hard to read.')
  }
  if (!list.isEnded) {
    score -= 0.05
    reasons.push('It does not end with a stop: more may follow that is not on the photo.')
  }
  if (hasOpenBracket(list.text)) {
    score -= 0.05
    reasons.push('Its brackets do not match.')
  }
  return {
    field: 'ingredients',
    value: list.text,
    data: null,
    score: Math.max(0.05, score),
    boxes: list.lines.map(({ box }) => box),
    reasoning: reasons.join(' '),
    rule,
  }
}

function hasOpenBracket(text: string): boolean {
  return (text.match(/[([]/g) ?? []).length !== (text.match(/[)\]]/g) ?? []).length
}

/**
 * What labels write above or before the list, without accents; an I may be read as l, 1 or |, and Cyrillic as the
 * Latin letters it looks like.
 */
const heading =
  /(?:[il1|]\s?ng(?:r[ec]|.{0,3})d[il1]en(?:ten|tes|tis|ti|te|ts|t|ser|sen|er|s)?\b|z?utaten(?:liste)?|inhaltsstoffe|bestandteile|zusammensetzung|sklad(?:niki)?|slozeni|zlozenie|osszetevok|ainekset|sastojci|sestavine|sastav|ingrediente|koostisosad|sudetosios?\s*(?:dalys)?|sastavdalas|icindekiler|coct?ab|cknaa?|cknad|kypambi|tarkibi|cyctatnka|composicion|composition|composizione|composicao|samenstelling|inci)/

interface Start {
  readonly heading: string
  /** Where in the line's text the list begins. */
  readonly at: number
}

function startOf(line: Line): Start | null {
  const { plain, text } = line
  const match = new RegExp(heading.source).exec(plain)
  if (!match) return null
  const before = plain.slice(0, match.index)
  const isAtStart =
    /^[^a-z]*(?:key|active|inactive|other|all|food|main|list of|liste des|elenco|lista de)?[^a-z]*$/.test(before) ||
    /(?:^|[\s\d])[a-z]?\W*[-–:.•]\s*$/.test(before) ||
    before.length <= 2
  if (!isAtStart) {
    // Headings are capitals or end in a colon; within a sentence the word is only a word.
    const isShouted =
      text.slice(match.index, match.index + match[0].length) ===
      text.slice(match.index, match.index + match[0].length).toUpperCase()
    if (!(isShouted && /^\s*[:;]/.test(plain.slice(match.index + match[0].length)))) return null
  }
  if (/(?<!in)active/.test(before) && !/inactive/.test(before)) return null
  let at = match.index + match[0].length
  // A heading in many languages: all of them, up to the colon.
  const more = /^\s*[/|](?:\s*[^/|:;,.()]{2,22}\s*[/|])*\s*[^/|:;,.()]{0,22}[:;]/.exec(plain.slice(at))
  const colon = more ?? /^[^:;,.]{0,14}?\s*[:;]/.exec(plain.slice(at))
  if (colon) at += colon[0].length
  else if (/^(?:\s*[/|]\s*[^/|:;,.()]{2,22})*\s*[/|]?\s*$/.test(plain.slice(at))) at = plain.length
  const rest = plain.slice(at)
  // "95% of the ingredients are natural", "ingredients from organic farming": no list.
  if (
    !colon &&
    /^\s*(?:are|is|of|from|de|d'|sont|aus|sind|van|zijn|di|son|en|et|and|may|issus|provenant|natur)\b/.test(rest)
  )
    return null
  return {
    heading: text.slice(match.index, match.index + match[0].length),
    at: plain.length === text.length ? at : Math.min(text.length, at),
  }
}

/** What begins the next thing on a label; the paragraph has ended there. */
const ending =
  /^\W*(?:contains?\b|may contain|kann\b.*enthalt|enthalt\b|allerg|contient|peut contenir|traces|puede contener|contiene\b|puo contenere|pode conter|contem\b|bevat\b|kan sporen|nutrition|nutri|nahrwert|durchschnittliche|valeurs?\s+nutr|informacion|valori|voedingswaarde|wartosc|best before|best by|use by|exp\b|mindestens|zu verbrauchen|a consommer|consumir|consumare|da consumarsi|ten?minste|tht\b|store\b|keep\b|refrigerate|kuhl|trocken|conserver|a conserver|conservar|conservare|bewaren|distributed|dist\. by|manufactured|mfd|mfg|made (?:in|by|for)|produced|product of|produit|hergestellt|prodott|fabri[ck]|elaborado|hecho|imported|importe|vertrieb|packed|abgefullt|net\s*w|net\s*cont|poids|peso|nettogewicht|fullmenge|e\s?\d+\s?(?:ml|g|l)\b|directions|how to|usage|gebrauch|anwendung|preparation|zubereitung|mode d|modo de|modo d|warning|caution|achtung|attention|advertencia|questions|www\.|http|tel\b|code\s?f|lot\b|batch|service|country|this product|ayurvedic|for external|dermatolog|laborato|customer|visit|serving|unit|\d+ ?% (?:du|of|de|del|des|der|naturl|van|dos))/

/** The same where it begins a sentence inside of a line. */
const endingInside =
  /[.)]\s*(?=(?:contains?\b|may contain|kann spuren|enthalt\b|contient\b|peut contenir|traces|puede contener|puo contenere|pode conter|allerg|kan sporen|in veranderlichen|nutrition|best before|store\b|keep\b|a conserver|conserver|conservar|kuhl|distributed|manufactured|made in|product of|produit de|light-|for allergens|\*\s?(?:from|aus|issus|da|di|de|uit)))/

function collect(layout: Layout, first: Line, start: Start): List | null {
  const lines: Line[] = []
  const texts: string[] = []
  const rest = first.text.slice(start.at).trim()
  let last: Line = first
  if (rest.length > 1) {
    texts.push(rest)
    lines.push(first)
  }
  let isEnded = false
  let pitch = first.height * 1.05
  let { left, right } = first
  // Under a heading in many languages its other half comes first.
  let isHeading = rest.length <= 1
  for (let count = 0; count < 60; count++) {
    const next = lineBelow(layout, last, left, right, pitch, lines.length)
    if (!next) break
    let { text } = next.line
    const { plain } = next.line
    if (isHeading) {
      const more = startOf(next.line)
      if (more) text = text.slice(more.at).trim()
      if (text === '') {
        last = next.line
        continue
      }
    } else if (startOf(next.line) || ending.test(plain)) {
      isEnded = true
      break
    } else if (
      texts.length > 0 &&
      /[.!]\s*$/.test(texts[texts.length - 1] ?? '') &&
      !/\b(?:q\.s|inc|ext|min|max|ca)\.$/i.test(texts[texts.length - 1] ?? '') &&
      !isListLike(text)
    ) {
      isEnded = true
      break
    } else if (next.line.height > last.height * 1.7 || next.line.height < last.height * 0.5) break
    texts.push(text)
    lines.push(next.line)
    if (!isHeading) pitch = (pitch * 2 + next.distance) / 3
    else pitch = next.line.height * 1.05
    isHeading = false
    left = lines.length === 1 ? next.line.left : Math.min(left, next.line.left)
    right = Math.max(right, next.line.right)
    last = next.line
  }
  if (lines.length === 0) return null
  let text = paragraph(texts)
  text = text.replace(/\s*\(code\b.*$/i, '')
  const cut = new RegExp(endingInside.source).exec(plainish(text))
  if (cut) {
    text = text.slice(0, cut.index + 1)
    isEnded = true
  }
  return { text, lines, isEnded: isEnded || /\.\s*$/.test(text) }
}

/** The line that goes on with a paragraph, and how far below it is. */
function lineBelow(
  layout: Layout,
  last: Line,
  left: number,
  right: number,
  pitch: number,
  count: number,
): { line: Line; distance: number } | null {
  const middle = (left + right) / 2
  let best: { line: Line; distance: number } | null = null
  for (const line of layout.lines) {
    if (line === last) continue
    const overlap = Math.min(line.right, Math.max(right, last.right)) - Math.max(line.left, Math.min(left, last.left))
    if (overlap < Math.min(line.right - line.left, right - left) * 0.5) continue
    const x = Math.min(Math.max(middle, line.left), line.right)
    const distance = yAt(line, x) - yAt(last, Math.min(Math.max(x, last.left), last.right))
    const most = count === 0 ? last.height * 2.6 : Math.max(pitch * 1.55, last.height * 1.45)
    if (distance < last.height * 0.45 || distance > most) continue
    if (!best || distance < best.distance) best = { line, distance }
  }
  if (!best) return null
  // A wide gap splits a printed line in two; what stands in the same row, inside of the paragraph, belongs to it.
  const { line } = best
  const row = layout.lines.filter(
    (other) =>
      other !== line &&
      other !== last &&
      Math.abs(drop(line, other)) < 0.4 &&
      other.height < line.height * 1.6 &&
      line.height < other.height * 1.6 &&
      other.left > left - line.height * 2 &&
      other.left < right &&
      gapBetween(line, other) < line.height * 3,
  )
  if (row.length === 0) return best
  const all = [line, ...row].toSorted((one, other) => one.left - other.left)
  return { line: joined(all.flatMap(({ fragments }) => fragments)), distance: best.distance }
}

function gapBetween(one: Fragment, other: Fragment): number {
  return Math.max(one.left, other.left) - Math.min(one.right, other.right)
}

/** Lines as one text: hyphens at their ends go where a word goes on. */
function paragraph(texts: readonly string[]): string {
  let all = ''
  for (const text of texts) {
    const next = text.trim()
    if (all === '') all = next
    else if (/\p{L}-$/u.test(all) && /^\p{Ll}/u.test(next)) all = all.slice(0, -1) + next
    else if (/[\p{L}\d]-$/u.test(all) || all.endsWith('/')) all += next
    else all += ` ${next}`
  }
  return all
    .replace(/\s+/g, ' ')
    .replace(/ ([,;.)\]])/g, '$1')
    .replace(/([([]) /g, '$1')
    .replace(/,(?=\p{L})/gu, ', ')
    .replace(/(?<=\p{L}{3})\.(?=[ ]?\p{Lu}{2,}[\s,.])(?! ?[^,;•·]{0,60}$)/gu, ',')
    .replace(/,(?=\()/g, ', ')
    .replace(/(?<=[\p{L})%])\(/gu, ' (')
    .replace(/^[\s:;.,•·-]+/, '')
    .trim()
}

/** Of the same length as the text, so that places in one are places in the other. */
function plainish(text: string): string {
  return [...text]
    .map(
      (letter) =>
        letter
          .normalize('NFD')
          .replace(/\p{Mn}/gu, '')
          .toLowerCase()
          .slice(0, letter.length) || letter,
    )
    .join('')
}

/** Whether a text is a list rather than a sentence: a separator every few words. */
function isListLike(text: string): boolean {
  // In capitals a comma is read as a stop as often as not.
  const separators = (text.match(/[,;•·()]|\s[-:]\s|[A-Z]{3}\.(?=\s)/g) ?? []).length
  return separators * 30 >= text.length - 10
}

const common =
  /\b(?:water|aqua|eau|wasser|acqua|agua|sugar|zucker|sucre|zucchero|azucar|acucar|suiker|salt|salz|sel|sale|sal|zout|flour|mehl|farine|farina|harina|oil|ol|huile|olio|aceite|milk|milch|lait|latte|leche|syrup|sirup|sirop|starch|starke|amidon|acid|saure|acide|acido|aroma|aromen|arome|flavou?r\w*|lecithin\w*|emulgator|farbstoff|colou?r|glycerin|parfum|sodium|natrium|kohlensaure|e ?\d{3}[a-z]?|sulfate|chloride|glycol|stearate|alcohol|extract)\b/g

/** The lines of the longest list on the page, where nothing says that it is one. */
function headless(layout: Layout): List | null {
  let best: { list: List; weight: number } | null = null
  const seen = new Set<Line>()
  for (const first of layout.lines) {
    if (seen.has(first) || !isListLike(first.text) || first.text.length < 16) continue
    const lines = [first]
    let last = first
    let pitch = first.height * 1.05
    for (;;) {
      const next = lineBelow(layout, last, first.left, first.right, pitch, lines.length)
      if (!next || ending.test(next.line.plain) || next.line.height > last.height * 1.6) break
      pitch = (pitch * 2 + next.distance) / 3
      lines.push(next.line)
      last = next.line
      if (lines.length > 60) break
    }
    for (const line of lines) seen.add(line)
    let text = paragraph(lines.map((line) => line.text))
    // What is left of a heading that was cut off.
    text = text.replace(/^[^,:(]{0,14}:\s*/, '')
    const cut = new RegExp(endingInside.source).exec(plainish(text))
    if (cut) text = text.slice(0, cut.index + 1)
    const known = (plainish(text).match(common) ?? []).length
    const separators = (text.match(/[,;•·]/g) ?? []).length
    if (known < 2 || separators < 3 || known + separators < 6) continue
    const weight = known + separators
    if (!best || weight > best.weight) best = { list: { text, lines, isEnded: /\.\s*$/.test(text) }, weight }
  }
  return best?.list ?? null
}
