import type { PhotoType } from '#contract/backend/photo-type.ts'
import type { BrandHints } from '../vision.ts'
import type { Found } from './found.ts'
import { isClaim } from './labels.ts'
import { drop, plainOf, type Fragment, type Layout } from './layout.ts'
import { isEstateWord, isWine, isWineWord } from './wine.ts'

interface Candidate {
  readonly text: string
  readonly score: number
  readonly fragments: readonly Fragment[]
  readonly reason: string
  readonly rule: string
}

/**
 * Brand and name. No photo says which of its words they are: size, place, the photo's type, what the small print says
 * of trademarks, makers and addresses, and brands that are known are weighed; several are proposed.
 */
export function findBrandAndName(
  layout: Layout,
  context: {
    readonly type: PhotoType | null
    readonly brands?: BrandHints
    readonly isBack: boolean
  },
): Found[] {
  // One label may be all that a jar has: its name is set large among the small print of a back.
  const isWhole = context.isBack && context.type === null && hasDisplay(layout)
  const brands = merged([
    ...known(layout, context),
    ...stated(layout),
    ...prominentBrands(layout, { ...context, malus: isWhole ? 0.1 : context.isBack ? 0.22 : 0 }),
  ])
  const [first] = brands
  const names = context.isBack && !isWhole ? [] : namesOf(layout, { ...context, malus: isWhole ? 0.1 : 0 }, first)
  return [
    ...brands.slice(0, 4).map((candidate) => foundOf('brand', candidate)),
    ...names.slice(0, 4).map((candidate) => foundOf('product_name', candidate)),
  ]
}

function foundOf(field: 'brand' | 'product_name', { text, score, fragments, reason, rule }: Candidate): Found {
  return {
    field,
    value: text.slice(0, 255),
    data: null,
    score: Math.min(0.97, score),
    boxes: fragments.map(({ box }) => box),
    reasoning: reason,
    rule,
  }
}

/** The same brand found in several ways is surer. */
function merged(candidates: readonly Candidate[]): Candidate[] {
  const byText = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const key = dense(candidate.text)
    if (key.length < 2) continue
    const before = byText.get(key)
    if (!before) byText.set(key, candidate)
    else {
      const [better, worse] = before.score >= candidate.score ? [before, candidate] : [candidate, before]
      byText.set(key, {
        ...better,
        score: better.rule === worse.rule ? better.score : 1 - (1 - better.score) * (1 - worse.score * 0.6),
        reason: better.reason === worse.reason ? better.reason : `${better.reason} ${worse.reason}`,
        fragments: better.fragments.length > 0 ? better.fragments : worse.fragments,
      })
    }
  }
  return [...byText.values()].toSorted((one, other) => other.score - one.score)
}

function dense(text: string): string {
  return plainOf(text).replace(/[^a-z\d\u0370-\u04ff]/g, '')
}

/** Known brands among the words. */
function known(layout: Layout, { brands }: { readonly brands?: BrandHints }): Candidate[] {
  const own = brands?.known ?? []
  const alike = brands?.ofCompany ?? []
  const tallest = tallestOf(layout)
  const found: Candidate[] = []
  const look = (brand: string, base: number, where: string): void => {
    const key = dense(brand)
    if (key.length < 2) return
    const words = new RegExp(
      `(?<![a-z\\d])${plainOf(brand)
        .split(/[^a-z\d\u0370-\u04ff]+/)
        .filter((word) => word !== '')
        .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('[^a-z\\d]*')}(?:s|'s)?(?![a-z\\d])`,
    )
    const hits = [...layout.lines, ...layout.across].filter(({ plain }) => words.test(plain))
    // A short brand is a word of many languages: it counts where it is set large and alone.
    const usable = hits.filter((hit) => key.length > 4 || (hit.height > tallest * 0.35 && dense(hit.text) === key))
    const large = usable.find(({ height }) => height > tallest * 0.45)
    if (usable.length > 0) {
      const hit = large ?? usable[0]
      found.push({
        text: brand,
        score: Math.min(0.96, base + (large ? 0.08 : 0) + Math.min(0.06, (usable.length - 1) * 0.03)),
        fragments: hit ? [hit] : [],
        reason: `Known ${where}; stands on the photo${usable.length > 1 ? ` ${usable.length} times` : ''}.`,
        rule: 'known brand',
      })
      return
    }
    if (key.length < 6) return
    // Letters in logos are misread: one is forgiven, where the word is large.
    const near = layout.fragments.find(
      (one) =>
        one.height > tallest * 0.3 &&
        Math.abs(dense(one.text).length - key.length) <= 1 &&
        edits(dense(one.text), key, 1) <= 1,
    )
    if (near)
      found.push({
        text: brand,
        score: base - 0.15,
        fragments: [near],
        reason: `Reads "${near.text}", all but ${brand}, which is known ${where}.`,
        rule: 'known brand',
      })
  }
  for (const brand of alike) look(brand, 0.93, 'of products of the same company prefix')
  for (const brand of own) look(brand, 0.88, "from this site's catalogue")
  for (const brand of alike) {
    if (!found.some(({ text }) => dense(text) === dense(brand))) {
      found.push({
        text: brand,
        score: 0.4,
        fragments: [],
        reason: 'Other products of the same company prefix have this brand; it was not read on the photo.',
        rule: 'company prefix',
      })
    }
  }
  // "Nivea Men" says more than the "Nivea" inside of it.
  return found.map((one) =>
    found.some(
      (other) =>
        other !== one && dense(other.text).startsWith(dense(one.text)) && dense(other.text) !== dense(one.text),
    )
      ? { ...one, score: one.score - 0.05 }
      : one,
  )
}

/** The edit distance of two texts, or more than `most`. */
function edits(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1
  let previous = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let row = 1; row <= one.length; row++) {
    const next = [row]
    for (let column = 1; column <= other.length; column++)
      next.push(
        Math.min(
          (previous[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1),
          (previous[column] ?? 0) + 1,
          (next[column - 1] ?? 0) + 1,
        ),
      )
    previous = next
  }
  return previous[other.length] ?? most + 1
}

const companies =
  /^(.{2,40}?)[,.]?\s+(?:inc|ltd|limited|llc|llp|plc|corp(?:oration)?|co|company|gmbh|ag|kg|se|sas|sarl|sa|s\.a\.s?|s\.a|s\.l\.?u?|sl|s\.p\.a|spa|s\.r\.l|srl|b\.?v|n\.?v|oy|ab|a\/s|as|aps|kft|zrt|sp\.? z ?o\.?o|s\.?r\.?o|d\.?o\.?o|pty|pvt|healthcare|foods|laboratories|laboratoires?|brands?)\b\.?/i

/** What the small print says: trademarks, makers, addresses. */
function stated(layout: Layout): Candidate[] {
  const found: Candidate[] = []
  const all = [...layout.lines, ...layout.across]
  const tallest = tallestOf(layout)
  for (const line of all) {
    const { text, plain } = line
    const trademark =
      /^\W*(.{2,30}?)\s*(?:®|™|tm)?\s+(?:is|are|est|ist|es|e)\s+(?:a|an|une|ein|eine|una|the)\s+(?:\w+\s+){0,2}(?:trade\s*mark|marque|marke|marca)/i.exec(
        text,
      )
    if (trademark?.[1])
      found.push({
        text: titled(trademark[1]),
        score: 0.72,
        fragments: [line],
        reason: 'The small print calls it a trademark.',
        rule: 'trademark',
      })
    const registered = /^\W*([\p{L}\d][\p{L}\d' &.-]{1,24}?)\s?[®™]/u.exec(text)
    if (registered?.[1] && line.height > tallest * 0.25)
      found.push({
        text: titled(registered[1]),
        score: 0.6,
        fragments: [line],
        reason: 'Carries the sign of a registered trademark.',
        rule: 'trademark',
      })
    const stripped = text.replace(
      /^\W*(?:mfd\.?|manufactured|mfg\.?|distributed|dist\.?|produced|made|packed|imported|marketed|bottled|hergestellt|vertrieb|distribue|fabrique|prodotto|fabricado|elaborado|producido)?\s*(?:by|for|von|durch|par|pour|da|por|para)?\s*[:.]?\s*/i,
      '',
    )
    const company = companies.exec(stripped)
    if (
      company?.[1] &&
      /^\p{Lu}/u.test(company[1]) &&
      company[1].split(' ').length <= 4 &&
      !generic.test(plainOf(company[1]))
    ) {
      found.push({
        text: tidy(
          company[1].replace(
            /\s+(?:homemade|food|group|international|marketing|suisse|deutschland|france|italia|espana|uk|usa|manufacturing.*)$/i,
            '',
          ),
        ),
        score: 0.45,
        fragments: [line],
        reason: `The maker or seller is named "${company[0].trim().slice(0, 60)}".`,
        rule: 'company',
      })
    }
    const maker = makerOf(line, all)
    if (maker) found.push(maker)
    const site =
      /(?:www\s?\.\s?|@\s?|https?:\/\/)([a-z\d-]{3,24})\s?\.\s?(?:com|fr|de|es|it|pt|nl|be|ch|at|uk|co|eu|net|org|in|pl|us|mx|info|se|dk|fi|no)\b/.exec(
        plain,
      )
    const domain = site?.[1]
    if (
      domain &&
      !/facebook|instagram|google|recycl|nutri|consignes|mangerbouger|twitter|youtube|pinterest|ecoembes|gmail/.test(
        domain,
      )
    ) {
      const key = domain.replaceAll('-', '')
      const printed = printedForm(layout, key)
      found.push({
        text: printed?.text ?? titled(domain.replaceAll('-', ' ')),
        score: printed ? 0.5 : 0.38,
        fragments: [printed?.fragment ?? line],
        reason: `The address ${domain} is the brand's own.`,
        rule: 'address',
      })
    }
    const service =
      /(?:service\s+consommateurs?|consumer\s+(?:service|care)s?|customer\s+(?:service|care)|verbraucherservice|kundenservice|laboratoires?|atencion\s+al\s+cliente)\s+([a-z][a-z'&. -]{2,20})$/.exec(
        plain,
      )
    if (service?.[1])
      found.push({
        text: titled(text.slice(-service[1].length)),
        score: 0.4,
        fragments: [line],
        reason: 'Its customer service is named.',
        rule: 'service',
      })
  }
  return found
}

const madeBy =
  /(?:manufactured|produced|made|bottled|packed|distributed|imported|marketed|mfd\.?|mfg\.?|hergestellt|abgefullt|vertrieb|importiert|fabrique|produit|elabore|conditionne|distribue|importe|bouteille|prodotto|imbottigliato|confezionato|distribuito|importato|fabricado|elaborado|producido|envasado|embotellado|distribuido|importado|produzido|engarrafado|geproduceerd|verpakt)\s+(?:\p{L}+\s+){0,4}?(?:by|for|von|durch|par|pour|da|per|por|para|door|voor)\b\s*[:.]?\s*/u

/** Who made it, as the words say: behind them, or below where nothing follows. */
function makerOf(line: Fragment, all: readonly Fragment[]): Candidate | null {
  const words = madeBy.exec(line.plain)
  if (!words) return null
  const rest = line.plain.length - words.index - words[0].length
  const below =
    rest >= 3
      ? undefined
      : all.find((one) => one !== line && isBelow(line, one) && drop(line, one) > 0.4 && one.left < line.right)
  if (rest < 3 && !below) return null
  const name =
    (below ? below.text : line.text.slice(-rest)).split(/\s*(?:[,;:(–]|\s-|\d|\s(?:à|at|in|en|a)\s)/)[0] ?? ''
  const text = tidy(name)
  if (!/^\p{Lu}/u.test(text) || text.split(' ').length > 4 || text.length < 3 || generic.test(plainOf(text)))
    return null
  return {
    text: titled(text),
    score: 0.42,
    fragments: [below ?? line],
    reason: `Stands behind the words "${words[0].trim().slice(0, 40)}".`,
    rule: 'company',
  }
}

/** How a word of a web address is printed elsewhere: `niveamen` is NIVEA MEN. */
function printedForm(layout: Layout, key: string): { text: string; fragment: Fragment } | null {
  for (const fragment of layout.fragments) {
    if (/www|@|\.com|http/.test(fragment.plain)) continue
    const words = fragment.text.split(/\s+/)
    for (let from = 0; from < words.length; from++) {
      for (let to = from + 1; to <= Math.min(words.length, from + 4); to++) {
        const text = words.slice(from, to).join(' ')
        if (dense(text) === key) return { text: titled(text.replace(/[^\p{L}\d' &-]+$/u, '')), fragment }
      }
    }
  }
  return null
}

/** Words that are large on many labels and name nothing. */
const generic =
  /^(?:the|new|neu|nouveau|nuevo|novo|original|classic|premium|organic|bio|natural|naturel|fresh|free|light|zero|sugar|no|with|avec|mit|con|com|zip|open|pull|press|recycle|nutrition(?:al)?(?: facts| information)?|facts|ingredients.*|calories|serving.*|amount.*|warning|directions.*|net.*|product.*|batch.*|best.*|lot.*|exp.*|use.*|made.*|hecho.*|produit.*|envase.*|barcode|pet|hdpe|www.*|e?\d.*|vol|alc.*|tel.*|service.*|code.*|total.*|per.*|100.*|contains.*|consumir.*|unit.*|poids.*|peso.*|gewicht.*|contenance.*|contenu.*|inhalt.*|offre.*|special(?:e)? ?(?:offer|offre)?|oferta.*|angebot.*|promo.*|gratis.*|origine .*|nutri.*|valeurs?.*|valori.*|nahrwert.*|zutaten.*|conserv.*|a consommer.*|store.*|kapseln|capsules|tablets|compresse.*|packaging|mix|linea|interior.*|reciclable.*)$/

function tallestOf(layout: Layout): number {
  const sure = layout.fragments.filter(({ confidence, text }) => confidence > 0.7 && /\p{L}{2}/u.test(text))
  return Math.max(1, ...sure.map(({ height }) => height))
}

/** Whether a line can be a brand or a name: letters, few of them, none of the words above, not cut by the photo's edge. */
function isNaming(line: Fragment, layout: Layout, wine: boolean): boolean {
  const { plain, text, confidence } = line
  const letters = (plain.match(/[a-z\u0370-\u04ff]/g) ?? []).length
  if (letters < 3 || text.length > 42 || confidence < 0.78) return false
  if (text.split(/\s+/).length > 5 || letters < plain.replace(/\s/g, '').length * 0.7) return false
  if (/\d{3,}|%|www|@|\d\s?(?:g|kg|ml|cl|l)\b/.test(plain)) return false
  const bare = plain.replace(/^[^a-z]+|[^a-z]+$/g, '')
  if (generic.test(bare) || isClaim(bare) || isCutOff(line, layout)) return false
  return !wine || estateAbove(line, layout) !== undefined || !isWineWord(line, layout)
}

/** What runs out of the picture is half a word, most often of the product beside. */
function isCutOff({ box: [left, , width] }: Fragment, layout: Layout): boolean {
  const edge = layout.width * 0.004
  return left <= edge || left + width >= layout.width - edge
}

/** Whether some words are set so much larger than the rest that they are meant to be read from a shelf. */
function hasDisplay(layout: Layout): boolean {
  const heights = layout.fragments.map(({ height }) => height).toSorted((one, other) => one - other)
  const usual = heights[Math.floor(heights.length / 2)] ?? 0
  return layout.lines.some(
    (line) => line.height > usual * 2 && line.confidence > 0.9 && isNaming(line, layout, isWine(layout)),
  )
}

function estateAbove(line: Fragment, layout: Layout): Fragment | undefined {
  return layout.lines.find(
    (one) =>
      one !== line &&
      isEstateWord(one) &&
      drop(one, line) > 0.3 &&
      drop(one, line) < 3.2 &&
      one.left < line.right &&
      one.right > line.left,
  )
}

interface Large {
  readonly text: string
  readonly fragments: readonly Fragment[]
  /** Weighed by how much it is a word and how surely it was read. */
  readonly height: number
  readonly isEchoed: boolean
}

/** The largest words with what belongs to them: a CHÂTEAU above, the spelling of smaller print that is read better. */
function largest(layout: Layout, wine: boolean, share = 0.42): Large[] {
  const usable = layout.lines.filter((line) => isNaming(line, layout, wine))
  const tallest = Math.max(1, ...usable.map(({ height, confidence }) => height * sureness(confidence)))
  return usable
    .filter((line) => line.height > tallest * share && !isEstateWord(line))
    .map((line): Large => {
      const above = wine ? estateAbove(line, layout) : undefined
      const echo = echoOf(line, layout)
      const text = echo ?? tidy(line.text)
      const height =
        line.height *
        // A script letter too many in small print does not make it larger.
        Math.min(1, 0.4 + line.plain.replace(/[^a-z]/g, '').length / 10) *
        sureness(echo === null ? line.confidence : 1)
      return above
        ? {
            text: `${tidy(above.text)} ${text}`,
            fragments: [above, line],
            height: height * 1.2,
            isEchoed: echo !== null,
          }
        : { text, fragments: [line], height, isEchoed: echo !== null }
    })
    .toSorted((one, other) => other.height - one.height)
}

/** Letters that were guessed are script, or pictures taken for letters. */
function sureness(confidence: number): number {
  return Math.min(1, Math.max(0.1, (confidence - 0.8) * 10))
}

/**
 * How smaller print spells the words of a line; null when it does not have them. Logos are misread where small print is
 * not: "ROC HE MIAZET" above "bottled by Roche Mazet".
 */
function echoOf(line: Fragment, layout: Layout): string | null {
  const key = dense(line.text)
  if (key.length < 5) return null
  const most = key.length >= 10 ? 2 : key.length >= 6 ? 1 : 0
  let best: { text: string; distance: number } | null = null
  for (const other of [...layout.lines, ...layout.across]) {
    if (other === line || other.height > line.height * 0.8 || other.confidence < 0.85) continue
    const words = other.text.split(/\s+/)
    for (let from = 0; from < words.length; from++) {
      for (let to = from + 1; to <= Math.min(words.length, from + 5); to++) {
        const text = tidy(words.slice(from, to).join(' '))
        const candidate = dense(text)
        if (Math.abs(candidate.length - key.length) > most) continue
        const distance = edits(candidate, key, most)
        if (distance <= most && (!best || distance < best.distance)) best = { text, distance }
      }
    }
  }
  return best?.text ?? null
}

/** Of two that are as large as each other the upper one is the brand, and the lower one says what it is. */
function inBrandOrder(large: readonly Large[], wine: boolean): readonly Large[] {
  const [first, second, ...more] = large
  const [top] = first?.fragments ?? []
  const [other] = second?.fragments ?? []
  if (wine || !first || !second || !top || !other || second.height < first.height * 0.85) return large
  return drop(top, other) < -0.6 ? [second, first, ...more] : large
}

function prominentBrands(
  layout: Layout,
  { type, malus }: { readonly type: PhotoType | null; readonly malus: number },
): Candidate[] {
  if (type !== null && ['nutrition', 'ingredients', 'barcode', 'recycling', 'certification'].includes(type)) return []
  const wine = isWine(layout)
  return inBrandOrder(largest(layout, wine), wine)
    .slice(0, 3)
    .map(({ text, fragments, isEchoed }, index) => ({
      text: titled(text),
      score: Math.max(
        0.1,
        (wine ? 0.62 : 0.4) -
          index * 0.15 +
          (type === 'front' ? 0.1 : 0) -
          malus +
          (index === 0 ? 0.03 : 0) +
          (isEchoed ? 0.06 : 0),
      ),
      fragments,
      reason: `${index === 0 ? 'The largest words on the photo' : 'Among the largest words on the photo'}${isEchoed ? ', which smaller print has as well' : ''}.`,
      rule: wine ? 'estate' : 'largest words',
    }))
}

function namesOf(
  layout: Layout,
  { type, malus }: { readonly type: PhotoType | null; readonly malus: number },
  brand: Candidate | undefined,
): Candidate[] {
  const wine = isWine(layout)
  const large = largest(layout, wine)
  const bonus = (type === 'front' ? 0.1 : 0) - malus
  const [first] = large
  if (!first) {
    if (!brand || brand.score <= 0.6) return []
    const reason = 'No words but the brand are large enough for a name.'
    return [{ ...brand, score: 0.4, reason, rule: 'brand as name' }]
  }
  if (wine) return wineNames(large, bonus)
  const brandKey = brand ? dense(brand.text) : ''
  const blocks = blocksOf(largest(layout, wine, 0.15).filter(({ text }) => !isBrandText(dense(text), brandKey)))
  const [next] = blocks
  // What is set much smaller than the brand is a name less often; a single word of it hardly ever.
  const isNear = next !== undefined && next.height > first.height * 0.42
  const isBrandLargest =
    first.fragments.some((one) => brand?.fragments.includes(one)) || isBrandText(dense(first.text), brandKey)
  const found: Candidate[] = []
  for (const [index, { text, fragments, height, lines }] of blocks.slice(0, 3).entries()) {
    const isLarge = height > first.height * 0.42
    found.push({
      text: titled(text),
      score: (isLarge ? 0.45 : 0.38) - index * (isLarge ? 0.12 : 0.06) + bonus,
      fragments,
      reason: `The largest words beside the brand${lines > 1 ? ', one below the other' : ''}${isLarge ? '' : ', much smaller than it'}.`,
      rule: lines > 1 ? 'name lines' : 'name line',
    })
  }
  if (next && next.lines > 1 && next.first)
    found.push({
      text: titled(next.first.text),
      score: 0.38 + bonus,
      fragments: next.first.fragments,
      reason: 'The largest line beside the brand.',
      rule: 'name line',
    })
  if (brand && brand.score > 0.7 && next && isNear)
    found.push({
      text: `${brand.text} ${titled(next.text)}`,
      score: 0.4 + bonus,
      fragments: [...brand.fragments, ...next.fragments],
      reason: 'The brand with the largest words beside it.',
      rule: 'brand and name',
    })
  if (isBrandLargest)
    found.push({
      text: brand && isBrandText(dense(first.text), brandKey) ? brand.text : titled(first.text),
      score: (next ? 0.3 : 0.45) + bonus,
      fragments: first.fragments,
      reason: next ? 'The brand is the largest text, as where it is the name.' : 'The brand is the only large text.',
      rule: 'brand as name',
    })
  return merged(found)
}

function wineNames(large: readonly Large[], bonus: number): Candidate[] {
  return large.slice(0, 3).map(({ text, fragments, isEchoed }, index) => ({
    text: titled(text),
    score: (index === 0 ? 0.62 : 0.45 - index * 0.1) + bonus + (isEchoed ? 0.06 : 0),
    fragments,
    reason: index === 0 ? 'The largest words of a wine label name the estate.' : 'Large words of a wine label.',
    rule: 'estate',
  }))
}

interface Block {
  readonly text: string
  readonly fragments: readonly Fragment[]
  readonly height: number
  readonly lines: number
  /** Its largest line. */
  readonly first: Large | undefined
}

/** Lines of one name stand one below the other and are of a kind. The largest block first. */
function blocksOf(lines: readonly Large[]): Block[] {
  const left = new Set(lines)
  const blocks: Block[] = []
  for (const start of lines) {
    if (!left.delete(start) || isSentence(start)) continue
    const group = [start]
    // The nearest ones pull in those beyond them.
    for (let isGrowing = true; isGrowing && group.length < 4;) {
      const more = [...left].find(
        (one) =>
          one.height > start.height * 0.55 &&
          !isSentence(one) &&
          group.some(({ fragments }) => fragments.some((near) => one.fragments.some((far) => isBelow(near, far)))),
      )
      isGrowing = more !== undefined
      if (more) {
        group.push(more)
        left.delete(more)
      }
    }
    const ordered = group.toSorted((one, other) => (one.fragments[0]?.box[1] ?? 0) - (other.fragments[0]?.box[1] ?? 0))
    blocks.push({
      text: ordered.map(({ text }) => text).join(' '),
      fragments: ordered.flatMap(({ fragments }) => fragments),
      height: start.height,
      lines: group.length,
      first: start,
    })
  }
  return blocks
}

/** What is said about the product is none of its name. */
function isSentence({ text }: Large): boolean {
  return (
    text.split(' ').length > 4 ||
    madeBy.test(plainOf(text)) ||
    /\s(?:par|by|von|da|por|door|vous|your|with|avec|mit|con|com)\s/i.test(text)
  )
}

function isBelow(one: Fragment, other: Fragment): boolean {
  return Math.abs(drop(one, other)) < 2.2 && one.left < other.right && one.right > other.left
}

function isBrandText(key: string, brand: string): boolean {
  if (brand === '' || key === '') return false
  return key === brand || brand.includes(key) || edits(key, brand, 1) <= 1
}

function tidy(text: string): string {
  return text.replace(/^[^\p{L}\d]+|[^\p{L}\d!)]+$/gu, '').replace(/\s+/g, ' ')
}

/** CAPITALS as words are written; what is mixed already stays. */
function titled(text: string): string {
  const clean = tidy(text)
  if (clean !== clean.toUpperCase() || !/\p{Lu}{4}/u.test(clean)) return clean
  return clean
    .toLowerCase()
    .replace(/(?<![\p{L}'’])\p{L}/gu, (letter) => letter.toUpperCase())
    .replace(/(?<=\s)(?:De|Du|Des|D|La|Le|Les|Of|And|The|Di|Da|Do|Von|Und|Et|Y|E)(?=\s)/g, (word) => word.toLowerCase())
}
