import type { PhotoType } from '#contract/backend/photo-type.ts'
import type { BrandHints } from '../vision.ts'
import type { Found } from './found.ts'
import { knownBrands } from './known-brands.ts'
import { drop, plainOf, type Fragment, type Layout } from './layout.ts'

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
  const brands = merged([...known(layout, context), ...stated(layout), ...prominentBrands(layout, context)])
  const [first] = brands
  const names = context.isBack ? [] : namesOf(layout, context, first)
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
    const isMaker = brand.endsWith('*')
    const name = isMaker ? brand.slice(0, -1) : brand
    const key = dense(name)
    if (key.length < 2) return
    const words = new RegExp(
      `(?<![a-z\\d])${plainOf(name)
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
        text: name,
        score: Math.min(
          0.96,
          base - (isMaker ? 0.3 : 0) + (large ? 0.08 : 0) + Math.min(0.06, (usable.length - 1) * 0.03),
        ),
        fragments: hit ? [hit] : [],
        reason: `Known ${where}; stands on the photo${usable.length > 1 ? ` ${usable.length} times` : ''}.`,
        rule: 'known brand',
      })
      return
    }
    if (key.length < 6 || isMaker) return
    // Letters in logos are misread: one is forgiven, where the word is large.
    const near = layout.fragments.find(
      (one) =>
        one.height > tallest * 0.3 &&
        Math.abs(dense(one.text).length - key.length) <= 1 &&
        distanceAtMostOne(dense(one.text), key),
    )
    if (near)
      found.push({
        text: name,
        score: base - 0.15,
        fragments: [near],
        reason: `Reads "${near.text}", all but ${name}, which is known ${where}.`,
        rule: 'known brand',
      })
  }
  for (const brand of alike) look(brand, 0.93, 'of products of the same company prefix')
  for (const brand of own) look(brand, 0.88, "from this site's catalogue")
  for (const brand of knownBrands) look(brand, 0.82, 'as a brand of many countries')
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

function distanceAtMostOne(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  if (long.length - short.length > 1) return false
  let at = 0
  while (at < short.length && short[at] === long[at]) at++
  return short.length === long.length
    ? short.slice(at + 1) === long.slice(at + 1)
    : short.slice(at) === long.slice(at + 1)
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
  /^(?:the|new|neu|nouveau|nuevo|novo|original|classic|premium|organic|bio|natural|naturel|fresh|free|light|zero|sugar|no|with|avec|mit|con|com|zip|open|pull|press|recycle|nutrition(?:al)?(?: facts| information)?|facts|ingredients.*|calories|serving.*|amount.*|warning|directions.*|net.*|product.*|batch.*|best.*|lot.*|exp.*|use.*|made.*|hecho.*|produit.*|envase.*|barcode|pet|hdpe|www.*|e?\d.*|vol|alc.*|tel.*|service.*|code.*|total.*|per.*|100.*|contains.*|consumir.*|unit.*|packaging|mix|linea|interior.*|reciclable.*)$/

/** What wine labels set large beside the name of the estate. */
const wineWords =
  /^(?:grand\s*vin.*|vin\s*de.*|bordeaux.*|bor\s?deaux.*|bourgogne.*|cotes?\s.*|cru.*|appel.*|apel.*|ap.?el+ati.*|ahpel.*|mis\s?en.*|m\s?is\s?en.*|merlot.*|cabernet.*|syrah.*|pinot.*|chardonnay.*|sauvignon.*|indication.*|pays\s*d.*|produit.*|sud\s*de.*|corbieres|fronton|saint.?emilion.*|medoc.*|tradition.*|cuvee.*|\d{4}|reserve.*|superieur.*|demeure.*|eleve.*|recolte.*|millesime.*|vendange.*|contient.*|rouge|blanc|rose|brut|sec|doux|denominaci.*|docg?|rioja.*|ribera.*|toscana.*|chianti.*)$/
const estate =
  /^(?:chateau|chateaux|domaine|domaines|clos|mas|maison|cave|caves|tenuta|castello|bodegas?|vina|weingut|quinta|casa|cantina|fattoria|abbaye|les|la|le|baron|comte|marquis)(?:\s+(?:de|du|des|d|les|la|le))?$/

function isWine(layout: Layout): boolean {
  return layout.lines.some(({ plain }) =>
    /mis\s?en\s?bout|appel+ation|vin\s?de\b|chateau|merlot|cabernet|grand\s?cru|\bdomaine\b|imbottigliat|denominaci|\bmillesime|mondeuse|syrah|pinot/.test(
      plain,
    ),
  )
}

function tallestOf(layout: Layout): number {
  const sure = layout.fragments.filter(({ confidence, text }) => confidence > 0.7 && /\p{L}{2}/u.test(text))
  return Math.max(1, ...sure.map(({ height }) => height))
}

/** Whether a text can be a brand or a name: letters, few of them, none of the words above. */
function isNaming({ plain, text, confidence }: Fragment, wine: boolean): boolean {
  const letters = (plain.match(/[a-z\u0370-\u04ff]/g) ?? []).length
  if (letters < 3 || text.length > 42 || confidence < 0.78) return false
  if (text.split(/\s+/).length > 5 || letters < plain.replace(/\s/g, '').length * 0.7) return false
  if (/\d{3,}|%|www|@|\d\s?(?:g|kg|ml|cl|l)\b/.test(plain)) return false
  const bare = plain.replace(/^[^a-z]+|[^a-z]+$/g, '')
  if (generic.test(bare)) return false
  return !(wine && wineWords.test(bare))
}

/** The largest words with what belongs to them: a CHÂTEAU above, the second line of a name below. */
function largest(
  layout: Layout,
  wine: boolean,
  share = 0.42,
): { text: string; fragments: Fragment[]; height: number }[] {
  const usable = layout.lines.filter((line) => isNaming(line, wine))
  const tallest = Math.max(1, ...usable.map(({ height }) => height))
  return usable
    .filter(({ height, plain }) => height > tallest * share && !estate.test(plain))
    .map((line) => {
      const above = layout.lines.find(
        (one) =>
          one !== line &&
          estate.test(one.plain) &&
          drop(one, line) > 0.3 &&
          drop(one, line) < 3.2 &&
          one.left < line.right &&
          one.right > line.left,
      )
      // A script letter too many in small print does not make it larger.
      const height =
        line.height *
        Math.min(1, 0.4 + line.plain.replace(/[^a-z]/g, '').length / 10) *
        // Nor do letters that were guessed: script, and pictures taken for letters.
        (line.confidence < 0.88 ? 0.3 : 1)
      return above
        ? { text: `${tidy(above.text)} ${tidy(line.text)}`, fragments: [above, line], height: height * 1.2 }
        : { text: tidy(line.text), fragments: [line], height }
    })
    .toSorted((one, other) => other.height - one.height)
}

function prominentBrands(
  layout: Layout,
  { type, isBack }: { readonly type: PhotoType | null; readonly isBack: boolean },
): Candidate[] {
  if (type !== null && ['nutrition', 'ingredients', 'barcode', 'recycling', 'certification'].includes(type)) return []
  const wine = isWine(layout)
  return largest(layout, wine)
    .slice(0, 3)
    .map(({ text, fragments, height }, index) => ({
      text: titled(text),
      score: Math.max(
        0.1,
        (wine ? 0.62 : 0.42) -
          index * 0.15 +
          (type === 'front' ? 0.1 : 0) -
          (isBack ? 0.22 : 0) +
          (height > 0 && index === 0 ? 0.03 : 0),
      ),
      fragments,
      reason: index === 0 ? 'The largest words on the photo.' : 'Among the largest words on the photo.',
      rule: wine ? 'estate' : 'largest words',
    }))
}

function namesOf(
  layout: Layout,
  { type }: { readonly type: PhotoType | null },
  brand: Candidate | undefined,
): Candidate[] {
  const wine = isWine(layout)
  const large = largest(layout, wine)
  const isFront = type === 'front' ? 0.1 : 0
  const brandKey = brand ? dense(brand.text) : ''
  const found: Candidate[] = []
  const [first] = large
  if (!first) {
    if (brand && brand.score > 0.6)
      found.push({
        ...brand,
        score: 0.4,
        reason: 'No words but the brand are large enough for a name.',
        rule: 'brand as name',
      })
    return found
  }
  if (wine) {
    found.push({
      text: titled(first.text),
      score: 0.62 + isFront,
      fragments: first.fragments,
      reason: 'The largest words of a wine label name the estate.',
      rule: 'estate',
    })
    for (const [index, one] of large.slice(1, 3).entries())
      found.push({
        text: titled(one.text),
        score: 0.35 - index * 0.1,
        fragments: one.fragments,
        reason: 'Large words of a wine label.',
        rule: 'estate',
      })
    return found
  }
  const others = large.filter(({ text }) => !isBrandText(dense(text), brandKey))
  const [next] = others
  if (!next) {
    found.push({
      text: brand && isBrandText(dense(first.text), brandKey) ? brand.text : titled(first.text),
      score: 0.5 + isFront,
      fragments: first.fragments,
      reason: 'The brand is the only large text.',
      rule: 'brand as name',
    })
    const smaller = largest(layout, wine, 0.15).filter(({ text }) => !isBrandText(dense(text), brandKey))
    for (const [index, one] of smaller.slice(0, 2).entries()) {
      found.push({
        text: titled(one.text),
        score: 0.34 - index * 0.02,
        fragments: one.fragments,
        reason: 'The largest words beside the brand, much smaller than it.',
        rule: 'name line',
      })
    }
    return found
  }
  // Lines of one name stand one below the other and are of a kind.
  const group = [next]
  for (const one of others.slice(1, 6)) {
    const [fragment] = one.fragments
    const isNear = group.some(
      ({ fragments: [near] }) =>
        near &&
        fragment &&
        Math.abs(drop(near, fragment)) < 2.6 &&
        near.left < fragment.right + near.height &&
        near.right > fragment.left - near.height,
    )
    if (isNear && one.height > next.height * 0.45) group.push(one)
  }
  const ordered = group.toSorted((one, other) => (one.fragments[0]?.box[1] ?? 0) - (other.fragments[0]?.box[1] ?? 0))
  const whole = ordered.map(({ text }) => text).join(' ')
  const fragments = ordered.flatMap((one) => one.fragments)
  if (group.length > 1)
    found.push({
      text: titled(whole),
      score: 0.45 + isFront,
      fragments,
      reason: 'The largest words beside the brand, one below the other.',
      rule: 'name lines',
    })
  found.push({
    text: titled(next.text),
    score: (group.length > 1 ? 0.4 : 0.48) + isFront,
    fragments: next.fragments,
    reason: 'The largest words beside the brand.',
    rule: 'name line',
  })
  if (brand && brand.score > 0.7) {
    const isFirst =
      first.fragments.some((one) => brand.fragments.includes(one)) || isBrandText(dense(first.text), brandKey)
    found.push({
      text: `${brand.text} ${titled(group.length > 1 ? whole : next.text)}`,
      score: 0.4 + isFront,
      fragments: [...brand.fragments, ...fragments],
      reason: 'The brand with the largest words beside it.',
      rule: 'brand and name',
    })
    if (isFirst)
      found.push({
        text: brand.text,
        score: 0.38,
        fragments: brand.fragments,
        reason: 'The brand is the largest text, as where it is the name.',
        rule: 'brand as name',
      })
  }
  return merged(found)
}

function isBrandText(key: string, brand: string): boolean {
  if (brand === '' || key === '') return false
  return key === brand || brand.includes(key) || distanceAtMostOne(key, brand)
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
