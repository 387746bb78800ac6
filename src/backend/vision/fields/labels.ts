import type { Found } from './found.ts'
import type { Layout } from './layout.ts'

/**
 * Certifications and labels by their words. Logos themselves are not looked for: what they say in letters is, and the
 * codes that the law puts beside them.
 *
 * Names are those that a catalogue sorts by: `organic` is the claim, `eu-organic` and `ab-bio` are seals.
 */
const labels: readonly (readonly [name: string, pattern: RegExp, score: number])[] = [
  [
    'organic',
    /\borganic\b(?!\s*(?:acid|chem|solvent))|certified organic|biologi(?:que|co|ca|sch\w*|cal)\b|agriculture biologique|\bbio\b(?!-?\s*(?:degrad|available|lab|tin))|okologisch|oekologisch|ecologico|ecologica|ekologisk|okologisk|luomu\b|ecologique\b(?!ment)|aus\s*(?:kontrolliert\s*)?biologischem|vom? bio-?bauern/,
    0.85,
  ],
  [
    'eu-organic',
    /\b[a-z]{2}[- ]?(?:bio|oko|eko|org|ekol)[- ]?\d{2,3}\b|(?:eu|non[- ]?eu|ue|non[- ]?ue)[- /]*(?:agriculture|landwirtschaft|agricoltura|landbouw)|agriculture\s*(?:non\s*)?ue\b|nicht[- ]?eu[- ]?landwirtschaft/,
    0.9,
  ],
  ['ab-bio', /certifi\w*\s*agriculture\s*biologique|\bab\s*agriculture\s*biologique/, 0.75],
  ['usda-organic', /usda\s*organic|certified\s*organic\s*by|organic\s*usda/, 0.9],
  ['fairtrade', /fair\s*-?\s*trade|max\s*havelaar|comercio\s*justo|commerce\s*equitable|fairer\s*handel/, 0.9],
  ['rainforest-alliance', /rainforest\s*alliance/, 0.95],
  ['utz', /\butz\s*(?:certified|zertifiziert|certifie)/, 0.9],
  ['fsc', /\bfsc\b|forest\s*stewardship/, 0.9],
  ['pefc', /\bpefc\b/, 0.95],
  [
    'msc',
    /^\W*msc\W*$|\bmsc[- ]?c[- ]?\d|\bmsc\b.{0,30}(?:fish|fisch|peche|pesca)|marine\s*stewardship|sustainable\s*seafood\s*msc/,
    0.9,
  ],
  ['asc', /\basc[- ]?c[- ]?\d|aquaculture\s*stewardship/, 0.9],
  [
    'non-gmo',
    /non[- ]?gmo|gmo[- ]?free|ohne\s*gentechnik|sans\s*ogm|no\s*gmo|ogm\s*free|libre\s*de\s*transgenicos/,
    0.9,
  ],
  ['vegan', /\bvegan[ao]?e?\b|\bvegane?[nrs]?\b|vegetalien/, 0.9],
  ['vegetarian', /\bvegetarian[aeios]?\b|vegetarisch|vegetarien(?:ne)?s?\b/, 0.9],
  [
    'gluten-free',
    /gluten[- ]?free|gluten[- ]?frei|sans\s*gluten|sin\s*gluten|senza\s*glutine|sem\s*gluten|glutenvrij|bez\s*glutenu|gluteeniton|glutenfri/,
    0.9,
  ],
  [
    'lactose-free',
    /lactose[- ]?free|laktosefrei|lactosevrij|sans\s*lactose|sin\s*lactosa|senza\s*lattosio|sem\s*lactose|laktoositon|laktosfri/,
    0.9,
  ],
  ['kosher', /\bkosher\b|\bkoscher\b|\bcasher\b|\bparve\b|\bou[- ]?d\b/, 0.85],
  ['halal', /\bhalal\b|\bhelal\b/, 0.9],
  ['cruelty-free', /cruelty[- ]?free|not\s*tested\s*on\s*animals|leaping\s*bunny/, 0.9],
  [
    'no-added-sugar',
    /no\s*added\s*sugar|sans\s*sucres?\s*ajoutes?|ohne\s*zuckerzusatz|sin\s*azucar(?:es)?\s*anadid|senza\s*zuccheri\s*aggiunti/,
    0.85,
  ],
  ['demeter', /\bdemeter\b/, 0.9],
  ['naturland', /\bnaturland\b/, 0.9],
  ['bioland', /\bbioland\b/, 0.9],
  ['label-rouge', /\blabel\s*rouge\b/, 0.9],
  ['nutri-score', /nutri[- ]?score/, 0.8],
  ['green-dot', /gruner\s*punkt/, 0.7],
  ['leaping-bunny', /leaping\s*bunny/, 0.9],
  ['ecocert', /ecocert/, 0.9],
  ['cosmos', /cosmos\s*(?:organic|natural)/, 0.9],
  ['v-label', /v-?label/, 0.8],
]

/** Words that turn a claim round, or make it one about something else. */
const denied = /(?:not|kein|nicht|non|no|may)\s*(?:\w+\s*)?$/

/** Whether a line says a claim or names a seal, and nothing beside it. */
export function isClaim(plain: string): boolean {
  const rest = labels.reduce((text, [, pattern]) => text.replace(new RegExp(pattern.source, 'g'), ' '), plain)
  return rest !== plain && rest.replace(beside, ' ').replace(/[^a-z]/g, '').length < 3
}

/** Words around a claim that say no more than it. */
const beside =
  /\b(?:100|certified|verified|project|suitable|for|seal|free|product|natural(?:ly)?|farming|from|of|and|fur|geeignet|und|aus|anbau|zertifiziert|pour|les?|adapte|aux|et|convient|certifie|issu|de|la?|para|apto|y|per|adatto|ai?|e|da|certificato|geschikt|voor|en|mix|misto|mixte)\b/g

export function findLabels(layout: Layout): Found[] {
  const seen = new Map<string, { score: number; boxes: Found['boxes']; text: string }>()
  // Seals set their words in lines of one or two: two lines that stand together are read as one as well.
  const all = [...layout.lines, ...layout.across]
  const texts = all.flatMap((line, index) => {
    const below = all
      .slice(index + 1, index + 4)
      .find(
        (one) =>
          one.left < line.right &&
          one.right > line.left &&
          one.box[1] - line.box[1] < line.height * 2.4 &&
          one.height < line.height * 1.6 &&
          one.height > line.height * 0.6,
      )
    return below
      ? [
          { plain: line.plain, boxes: [line.box], confidence: line.confidence, text: line.text },
          {
            plain: `${line.plain} ${below.plain}`,
            boxes: [line.box, below.box],
            confidence: Math.min(line.confidence, below.confidence),
            text: `${line.text} ${below.text}`,
          },
        ]
      : [{ plain: line.plain, boxes: [line.box], confidence: line.confidence, text: line.text }]
  })
  for (const { plain, boxes, confidence, text } of texts) {
    for (const [name, pattern, base] of labels) {
      const match = new RegExp(pattern.source).exec(plain)
      if (!match || denied.test(plain.slice(0, match.index))) continue
      const score = base * Math.min(1, confidence + 0.08)
      const known = seen.get(name)
      if (!known || known.score < score) seen.set(name, { score, boxes, text: text.slice(0, 60) })
    }
  }
  if (seen.size === 0) return []
  const kept = [...seen].filter(([, { score }]) => score >= 0.5)
  if (kept.length === 0) return []
  const names = kept.map(([name]) => name)
  return [
    {
      field: 'certifications',
      value: names.join(', '),
      data: { kind: 'labels', labels: names },
      score: Math.min(...kept.map(([, { score }]) => score)),
      boxes: kept.flatMap(([, { boxes }]) => boxes),
      reasoning: `By the words ${kept
        .slice(0, 3)
        .map(([, { text }]) => `"${text}"`)
        .join(', ')}; logos without words are not looked for.`.slice(0, 400),
      rule: 'labels',
    },
  ]
}
