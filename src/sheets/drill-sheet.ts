import type { DrillCounts, DrillReport, Rehearsal, SavingTimes } from '#contract/station/drill.ts'
import { layOut } from './page.ts'

/** What a drill came to as a PDF, to be signed. */
export async function writeDrillSheet(report: DrillReport): Promise<Uint8Array<ArrayBuffer>> {
  const { rehearsals } = report
  return await layOut({
    title: `Capstan drill: ${verdictWords[report.verdict]}`,
    lead: drillScope,
    sections: [
      {
        heading: 'Account of all rehearsals',
        lead: drillAccount(report.totals),
        columns: 1,
        rows: [
          ['Lost', `${report.totals.lost}`],
          ['Doubled', `${report.totals.doubled}`],
          ['Rehearsed', drillExtent(report)],
          ['Begun', `${report.startedAt}, it took ${seconds(report.tookMs)}`],
          ['Capstan', `${report.version}, on ${report.machine}`],
          ['Seed', `${report.seed}, rounds: ${report.rounds}`],
        ],
        cards: [],
      },
      {
        heading: 'Rehearsals',
        lead: 'Recovered: from the end of the fault until the server had everything. Saving: from the last byte to the answer, while it lasted.',
        columns: 1,
        rows: rehearsals.map((rehearsal) => [
          rehearsal.title,
          [`${verdictWords[rehearsal.verdict]}. ${figures(rehearsal)}`, ...rehearsal.reasons].join('\n'),
        ]),
        cards: [],
      },
      {
        heading: 'What they show',
        lead: '',
        columns: 1,
        rows: rehearsals.map(({ title, shows }) => [title, shows]),
        cards: [],
      },
      {
        heading: 'Released for work',
        lead: '',
        columns: 1,
        rows: [
          ['Name', ' '],
          ['Date and signature', ' '],
        ],
        cards: [],
      },
    ],
  })
}

/** What a drill is good for, and what it is not. */
export const drillScope =
  'Rehearsed on empty stores made for it, against the reference backend on this machine. No data, settings or server of a station were touched, and none of them was tried.'

/** A rehearsal in lines of text: its figures, then what is wrong with it. */
export function drillLines(rehearsal: Rehearsal): string[] {
  const head = `${verdictWords[rehearsal.verdict].padEnd(14)}${rehearsal.title}`
  return [
    rehearsal.rounds === 0 ? head : `${head}: ${figures(rehearsal)}`,
    ...rehearsal.reasons.map((reason) => `${' '.repeat(14)}! ${reason}`),
  ]
}

/** The end of a drill in lines of text. */
export function drillVerdict(report: DrillReport): string[] {
  const { lost, doubled } = report.totals
  return [
    '',
    `${verdictWords[report.verdict]}: ${drillExtent(report)}, in ${seconds(report.tookMs)}.`,
    `${drillAccount(report.totals)}; lost ${lost}, doubled ${doubled}`,
    drillScope,
  ]
}

const verdictWords = { go: 'GO', 'no-go': 'NO GO', 'not-rehearsed': 'NOT REHEARSED' } as const

function drillExtent({ rehearsals }: DrillReport): string {
  const left = rehearsals.filter(({ verdict }) => verdict === 'not-rehearsed').map(({ title }) => title)
  const done = `${rehearsals.length - left.length} of ${rehearsals.length} rehearsed`
  return left.length === 0 ? done : `${done}, not: ${left.join(', ')}`
}

function drillAccount(counts: DrillCounts): string {
  const { scanned, saved, unsaved, accepted, refused, pending, undecided } = counts
  const told = unsaved === 0 ? '' : ` + ${unsaved} not acknowledged`
  const open = undecided === 0 ? '' : ` + undecided ${undecided}`
  return `scanned ${scanned} = saved ${saved}${told}; saved ${saved} = accepted ${accepted} + refused ${refused} + pending ${pending}${open}`
}

function figures({ counts, recoveryMs, saving, faults, rounds, ledgerEntries }: Rehearsal): string {
  if (rounds === 0) return ''
  const { lost, doubled, unheard } = counts
  return [
    drillAccount(counts),
    `lost ${lost}, doubled ${doubled}${unheard === 0 ? '' : `, saved unheard ${unheard}`}`,
    `recovered ${recoveryMs === null ? 'never' : `in ${seconds(recoveryMs)}`}`,
    saving === null ? 'nothing was saved meanwhile' : `saving ${savingWords(saving)}`,
    `it went wrong ${faults} times, ${ledgerEntries} ledger entries`,
  ].join('; ')
}

const savingWords = ({ p50, p95, p99 }: SavingTimes): string =>
  `p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)}, p99 ${p99.toFixed(1)} ms`

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
