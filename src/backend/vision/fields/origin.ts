import type { Phrases } from '../ocr/spotter.ts'
import { countries } from './countries.ts'
import type { Found } from './found.ts'
import { around, yAt, type Fragment, type Layout } from './layout.ts'

/**
 * How labels say where a product was made, by language; without accents and spaces, since readers lose those in small
 * capitals. A country follows, perhaps behind an article.
 */
const statements: readonly string[] = [
  // English
  'madein|productof|producedin|produceof|producein|manufacturedin|packedin|bottledin|brewedin|bakedin|grownin|harvestedin|caughtin|rearedin|processedin|assembledin|originof|countryoforigin|placeoforigin|origin|wineof|importedfrom|distilledin|brewedandbottledin|roastedin|raisedin|farmedin|milledin|milkfrom|meatfrom|honeyfrom|countryofmilking|countryofmanufacture',
  // French
  'produitde|produiten|produitau|produitaux|fabriqueen|fabriqueau|fabriqueaux|faiten|elaboreen|elaboreau|transformeen|cultiveen|recolteen|conditionneen|emballeen|brasseen|peche en|paysdorigine|lieudorigine|provenance|origine|originaire|miseenbouteilleen|misenbouteilleen|vinde|importede|importedu|importedes|distilleen|distilleau|torrefieen|recoltesen|cultivesen|produitsen|elevesen|eleveen|neeleveetabattuen|conditionneau|transformeau|cultiveau|paysdeproduction|paysdefabrication|paysdecollecte|paysdelevage',
  // German
  'hergestelltin|herkunftsland|herkunft|ursprungsland|ursprung|produziertin|abgefulltin|abgepacktin|gebrautin|gebackenin|angebautin|geerntetin|erzeugtin|verarbeitetin|erzeugnisaus|produktaus|weinaus|importiertaus|gefertigtin|destilliertin|gerostetin|geborenin|aufgezogenin|geschlachtetin|gemolkenin|milchaus|fleischaus|honigaus|eieraus|zutatenaus|rohstoffeaus|qualitataus|spezialitataus|herstellungsland|produktionsland|geerntetundverpacktin',
  // Italian
  'prodottoin|prodottonel|prodottonella|prodottodi|prodottodella|fattoin|confezionatoin|imbottigliatoin|lavoratoin|coltivatoin|raccoltoin|fabbricatoin|paesediorigine|paesedorigine|provenienza|vinodi|importatoda|paesedimungitura|paesedicoltivazione|paesedimolitura|paeseditrasformazione|paesedicondizionamento|paesediproduzione|allevatoin|macellatoin|distillatoin|tostatoin|condizionatoin',
  // Spanish
  'productode|productodel|productoelaboradoen|producidoen|hechoen|fabricadoen|elaboradoen|envasadoen|embotelladoen|cultivadoen|recolectadoen|paisdeorigen|origen|procedencia|vinode|importadode|destiladoen|tostadoen|criadoen|sacrificadoen|nacidoen|cosechadoen|procesadoen|paisdefabricacion|paisdeordeno|paisdetransformacion',
  // Portuguese
  'produtode|produtodo|produtoda|produzidoem|produzidona|produzidono|fabricadoem|fabricadono|fabricadona|feitoem|engarrafadoem|embaladoem|paisdeorigem|origem|vinhode|vinhodo|destiladoem|torradoem|elaboradoem|cultivadoem|importadode|importadoda|paisdefabrico',
  // Dutch
  'gemaaktin|geproduceerdin|productuit|verpaktin|geteeldin|gebrouwenin|landvanherkomst|herkomst|landvanoorsprong|oorsprong|gebotteldin|gebrandin|gedistilleerdin|gekweektin|melkuit|vleesuit',
  // Polish, Czech, Slovak, Hungarian, Romanian, Croatian, Slovenian
  'wyprodukowanow|wyprodukowanowe|krajpochodzenia|krajprodukcji|vyrobenov|vyrobenev|vyrobenona|zemepuvodu|krajinapovodu|gyartvain|szarmazasihely|szarmazasiorszag|fabricatin|produsin|taradeorigine|proizvedenou|zemljapodrijetla|zemljaporekla|drzavaporekla',
  // Danish, Swedish, Norwegian, Finnish
  'tillverkadi|tillverkati|ursprungsland|produceretii|produceredi|produceretid|produceret i|fremstilleti|oprindelsesland|produserti|produsertii|opprinnelsesland|valmistettu|valmistusmaa|alkuperamaa',
].flatMap((words) => words.split('|').map((word) => word.replaceAll(' ', '')))

/** What a phrase comes to that was looked for, not read. */
const heardScore = 0.75

/** The country of origin, by a statement; addresses of makers and importers are not one. */
export function findOrigin(layout: Layout): Found[] {
  const found: Found[] = []
  const all = [...layout.lines, ...layout.across]
  all.forEach((line, index) => {
    const below = all
      .slice(index + 1, index + 6)
      .find(
        (one) =>
          one.left < line.right &&
          one.right > line.left &&
          one.box[1] - line.box[1] <
            (one.plain.length < 14 ? Math.max(line.height, one.height) * 4.5 : line.height * 3.2) &&
          one.box[1] > line.box[1],
      )
    const beside = besideOf(line, layout)
    for (const [text, boxes] of [
      [line.plain, [line.box]],
      ...(beside ? [[`${line.plain} ${beside.plain}`, [line.box, beside.box]] as const] : []),
      ...(below ? [[`${line.plain} ${below.plain}`, [line.box, below.box]] as const] : []),
    ] as const) {
      const dense = text.replace(/[^a-z\u0370-\u04ff]/g, '')
      const match = exact(dense) ?? misread(text.length < 60 ? dense : '')
      if (!match) continue
      found.push({
        field: 'country_of_origin',
        value: match.code,
        data: null,
        score: match.score * Math.min(1, line.confidence + 0.1) - (boxes.length > 1 ? 0.04 : 0),
        boxes: [around(boxes) ?? line.box],
        reasoning: `By the words "${[line, ...(boxes.length > 1 ? [boxes[1] === beside?.box ? beside : below] : [])]
          .map((one) => one?.text ?? '')
          .join(' ')
          .slice(0, 120)}".`,
        rule: 'origin statement',
      })
    }
  })
  // What was read needs no guess beside it.
  for (const { phrase, box } of found.length === 0 ? layout.heard : []) {
    const match = exact(phrase)
    if (!match) continue
    found.push({
      field: 'country_of_origin',
      value: match.code,
      data: null,
      score: heardScore,
      boxes: [box],
      reasoning: `The print here is blurred or runs round a seal; "${phrase}" is what it bears out best.`,
      rule: 'origin statement, spotted',
    })
  }
  const best = new Map<string, Found>()
  for (const one of found) if ((best.get(one.value)?.score ?? 0) < one.score) best.set(one.value, one)
  const ordered = [...best.values()].toSorted((one, other) => other.score - one.score)
  // Two countries on one label are two steps of one product, or two products.
  return ordered.length > 1
    ? ordered.slice(0, 3).map((one) => ({
        ...one,
        score: one.score - 0.15,
        reasoning: `${one.reasoning} Other words name another country.`,
      }))
    : ordered
}

interface Match {
  readonly code: string
  readonly score: number
}

const names = Object.entries(countries).flatMap(([code, words]) => words.map((word) => [word, code] as const))
const byLength = names.toSorted(([one], [other]) => other.length - one.length)
const articleWords = 'the|la|le|les|l|el|los|il|lo|de|di|d|du|des|del|della|dall|dalla|der|dem|den|do|da|dos|het'
/** What is looked for in lines that were read badly. */
export const originPhrases: Phrases = {
  heads: statements.filter((word) => word.length >= 6),
  links: articleWords.split('|').filter((word) => word.length > 1),
  tails: new Map(names.filter(([word]) => word.length >= 4)),
}
const articles = `(?:${articleWords})?`
/** What the statement is about may stand before the country: "origine du lait : France". */
const matter =
  '(?:(?:of|du|des|de|dela|del|della|dello|delos|delle|dei|der|do|da|dos|das|van|vande)?(?:the)?(?:milk|meat|honey|beef|wheat|lait|viande|miel|ble|latte|grano|carne|miele|riso|pomodoro|uova|leche|trigo|milch|fleisches|honigs|weizens|leite|mel|melk|vlees))?'
const statementPattern = new RegExp(
  `(?:${statements.toSorted((one, other) => other.length - one.length).join('|')})${matter}${articles}(${byLength.map(([word]) => word).join('|')})`,
)

/** What is said in one word of the country itself: "produit français", "Industria Brasileira". */
const adjectives: readonly (readonly [RegExp, string])[] = [
  [/industriabrasileira|produtobrasileiro/, 'BR'],
  [/industriaargentina/, 'AR'],
  [
    /(?:produit|fabrication|production|lait|beurre|creme|bovine|porc|volaille|poulet|agneau)francaise?(?!s?anglais)/,
    'FR',
  ],
  [/(?:lait|miel|oeufs|volaille|pommes|fruits|legumes)(?:100)?(?:de|origine)france/, 'FR'],
  [/(?:prodotto|produzione|latte|grano|carne|miele|olio|pomodoro|riso|uova)(?:100)?italian[oae]/, 'IT'],
  [/(?:producto|produccion|leche|aceite|miel|carne)(?:100)?espanola?/, 'ES'],
  [/(?:produto|producao|leite|azeite)(?:100)?portugues/, 'PT'],
  [/deutsche[srnm]?(?:erzeugnis|produkt|produktion|wein|milch|honig|rohmilch|fleisch|herstellung)/, 'DE'],
  [/osterreichische[srnm]?(?:erzeugnis|produkt|produktion|wein|milch|honig)/, 'AT'],
  [/schweizer(?:erzeugnis|produkt|milch|fleisch)|suissegarantie/, 'CH'],
  [/scotchwhisky/, 'GB'],
  [/irishwhiske?y/, 'IE'],
  [/britishgrown/, 'GB'],
  [/(?:produkt|wyrob)polski/, 'PL'],
  [/(?:cesky|ceske)(?:vyrobek|produkt)/, 'CZ'],
  [/nederlandsproduct/, 'NL'],
  [/hungaricum|magyartermek/, 'HU'],
  [/danskproduceret/, 'DK'],
  [/norskprodukt/, 'NO'],
]

function exact(dense: string): Match | null {
  const match = statementPattern.exec(dense)
  const code = match && byLength.find(([word]) => word === match[1])?.[1]
  if (code) return { code, score: /^(?:orig|proven|proced|herk|urspr|oorspr)/.test(match[0]) ? 0.85 : 0.93 }
  const adjective = adjectives.find(([words]) => words.test(dense))
  return adjective ? { code: adjective[1], score: 0.88 } : null
}

/** Statements and countries long enough to be known with letters misread. */
const longStatements = statements
  .filter((word) => word.length >= 6 && word !== 'origin' && word !== 'origen')
  .map((statement) => ({ statement, parts: pairsOf(statement) }))
const longNames = names.filter(([word]) => word.length >= 5)

/** A statement and a country behind it that both are there but for a letter or two, one in seven at most. */
function misread(dense: string): Match | null {
  let best: Match | null = null
  const pairs = new Set(pairsOf(dense))
  for (const { statement, parts } of longStatements) {
    const allowed = Math.floor(statement.length / 6)
    // An edit costs two pairs of letters at most: without the others it cannot be there.
    if (parts.filter((pair) => pairs.has(pair)).length < parts.length - 2 * allowed) continue
    for (const { end, distance } of nearestEnds(statement, dense, allowed)) {
      const rest = dense.slice(end)
      for (const [word, code] of longNames) {
        const most = Math.min(Math.floor(word.length / 5), Math.floor((statement.length + word.length) / 7) - distance)
        if (most < 0 || distance + most === 0) continue
        const off = distance + nearestDistance(word, rest.slice(0, word.length + most), most)
        const score = 0.85 - off * 0.1
        if (off <= distance + most && off > 0 && (!best || score > best.score)) best = { code, score }
      }
    }
  }
  return best
}

/** The letters of a text, two and two. */
function pairsOf(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2))
}

/** Where parts of `text` end that become `pattern` by at most `most` edits. */
function nearestEnds(
  pattern: string,
  text: string,
  most: number,
): { readonly end: number; readonly distance: number }[] {
  return lastRow(pattern, text)
    .map((distance, end) => ({ end, distance }))
    .filter(({ distance }) => distance <= most)
}

/** The least number of edits that make a part of `text` into `pattern`; more than `most` is answered as such. */
function nearestDistance(pattern: string, text: string, most: number): number {
  return text.length < pattern.length - most ? most + 1 : Math.min(...lastRow(pattern, text))
}

/** The edits that make a part of `text` which ends at each place into `pattern`. */
function lastRow(pattern: string, text: string): number[] {
  let previous = Array.from({ length: text.length + 1 }, () => 0)
  for (let i = 1; i <= pattern.length; i++) {
    const row = [i]
    for (let j = 1; j <= text.length; j++) {
      const change = pattern[i - 1] === text[j - 1] ? 0 : 1
      row.push(Math.min((previous[j - 1] ?? 0) + change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous
}

/** What stands in the same row to the right, as in a table. */
function besideOf(line: Fragment, layout: Layout): Fragment | undefined {
  return layout.lines
    .filter(
      (one) =>
        one.left > line.right &&
        one.left < line.right + line.height * 14 &&
        Math.abs(yAt(line, one.left) - one.leftY) < line.height * 0.6,
    )
    .toSorted((one, other) => one.left - other.left)[0]
}
