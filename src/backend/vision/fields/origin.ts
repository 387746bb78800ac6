import { countries } from './countries.ts'
import type { Found } from './found.ts'
import { around, type Layout } from './layout.ts'

/** How labels say where a product was made; without accents and spaces, since readers lose those in small capitals. */
const statements =
  '(?:madein|productof|producedin|produceof|producein|manufacturedin|packedin|bottledin|originof|countryoforigin|origin|grownin|produitde|produiten|fabriqueen|fabriqueau|faiten|elaboreen|conditionneen|paysdorigine|origine|miseenbouteilleen|hergestelltin|herkunftsland|herkunft|ursprungsland|ursprung|produziertin|abgefulltin|erzeugnisaus|produktaus|prodottoin|prodottoditalia|fattoin|confezionatoin|fabbricatoin|paesediorigine|productode|productodel|productoelaboradoen|producidoen|hechoen|fabricadoen|elaboradoen|envasadoen|paisdeorigen|origen|produtode|produzidoem|produzidona|produzidono|fabricadoem|fabricadono|feitoem|industriabrasileira|gemaaktin|geproduceerdin|productuit|landvanherkomst|herkomst|wyprodukowanow|krajpochodzenia|vyrobenov|vyrobenev|zemepuvodu|gyartvain|szarmazasihely|tillverkadi|produceretii|producereti|produserti|fremstilleti|valmistettu|alkuperamaa)'

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
    for (const [text, boxes] of [
      [line.plain, [line.box]],
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
        reasoning: `By the words "${(boxes.length > 1 && below ? `${line.text} ${below.text}` : line.text).slice(0, 120)}".`,
        rule: 'origin statement',
      })
    }
  })
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
const countryPattern = byLength.map(([word]) => word).join('|')
const statementPattern = new RegExp(
  `${statements}(?:the|la|le|les|l|el|los|il|lo|de|di|d|du|der|dem|den|:)?(${countryPattern})`,
)

function exact(dense: string): Match | null {
  const match = statementPattern.exec(dense)
  const code = match && byLength.find(([word]) => word === match[1])?.[1]
  if (code) return { code, score: match[0].startsWith('orig') ? 0.85 : 0.93 }
  if (/industriabrasileira/.test(dense)) return { code: 'BR', score: 0.9 }
  if (/hechoenmexico|hechonmexico/.test(dense)) return { code: 'MX', score: 0.93 }
  return null
}

/** Statements and countries that belong together closely enough to be known with letters misread. */
const whole: readonly (readonly [string, string])[] = [
  ['productodeespana', 'ES'],
  ['hechoenespana', 'ES'],
  ['fabricadoenespana', 'ES'],
  ['producidoenespana', 'ES'],
  ['produitdefrance', 'FR'],
  ['fabriqueenfrance', 'FR'],
  ['madeinfrance', 'FR'],
  ['produceoffrance', 'FR'],
  ['productoffrance', 'FR'],
  ['madeingermany', 'DE'],
  ['hergestelltindeutschland', 'DE'],
  ['productofgermany', 'DE'],
  ['madeinitaly', 'IT'],
  ['prodottoinitalia', 'IT'],
  ['productofitaly', 'IT'],
  ['madeinchina', 'CN'],
  ['producedinprc', 'CN'],
  ['madeinprc', 'CN'],
  ['productofchina', 'CN'],
  ['madeinusa', 'US'],
  ['productofusa', 'US'],
  ['madeinunitedstates', 'US'],
  ['madeinengland', 'GB'],
  ['madeintheuk', 'GB'],
  ['producedintheuk', 'GB'],
  ['hechoenmexico', 'MX'],
  ['productodemexico', 'MX'],
  ['productofmexico', 'MX'],
  ['madeinjapan', 'JP'],
  ['madeinkorea', 'KR'],
  ['productofthailand', 'TH'],
  ['madeinthailand', 'TH'],
  ['madeinindia', 'IN'],
  ['productofindia', 'IN'],
  ['productofspain', 'ES'],
  ['madeinspain', 'ES'],
  ['produtodeportugal', 'PT'],
  ['fabricadoemportugal', 'PT'],
  ['productofcanada', 'CA'],
  ['madeincanada', 'CA'],
  ['madeinbelgium', 'BE'],
  ['madeinpoland', 'PL'],
  ['madeinturkey', 'TR'],
  ['madeinvietnam', 'VN'],
  ['productofvietnam', 'VN'],
]

function misread(dense: string): Match | null {
  let best: Match | null = null
  for (const [text, code] of whole) {
    const allowed = Math.floor(text.length / 7)
    const distance = nearestDistance(text, dense, allowed)
    if (distance <= allowed && (!best || 0.85 - distance * 0.1 > best.score))
      best = { code, score: 0.85 - distance * 0.1 }
  }
  return best
}

/** The least number of edits that make a part of `text` into `pattern`; more than `most` is answered as such. */
function nearestDistance(pattern: string, text: string, most: number): number {
  if (text.length < pattern.length - most) return most + 1
  let previous = Array.from({ length: text.length + 1 }, () => 0)
  for (let i = 1; i <= pattern.length; i++) {
    const row = [i]
    for (let j = 1; j <= text.length; j++) {
      const change = pattern[i - 1] === text[j - 1] ? 0 : 1
      row.push(Math.min((previous[j - 1] ?? 0) + change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return Math.min(...previous)
}
