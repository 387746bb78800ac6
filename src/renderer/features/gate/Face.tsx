import type { GateStatus, GateVerdict } from '#contract/station/gate.ts'
import { useNow } from '../../client/state.ts'
import { StateShape } from '../../ui/StateShape.tsx'
import { ago, timeOfDay } from '../../ui/time.ts'
import { kindOf, shapeOf, textOf, toneOf, type GateView } from './gate-view.ts'
import { Languages, useVisitor } from './Visitor.tsx'

/** One shape, one word, one colour: what whoever stands three metres away has to know. */
export function Face(props: {
  readonly view: GateView
  readonly status: GateStatus
  /** A touch keeps what is shown. */
  readonly isTouchable?: boolean
}) {
  const { view, status, isTouchable = false } = props
  const { t, language } = useVisitor()
  const tone = toneOf(view)
  const isResult = view.name === 'result'
  const key = textOf(view)
  return (
    <section
      className="gate-face"
      data-tone={tone}
      data-view={view.name}
      lang={language}
      data-code={isResult ? view.verdict.code : null}
    >
      <Languages />
      <output className="gate-said" aria-live="assertive">
        <StateShape tone={tone} shape={shapeOf(view)} size={200} />
        <strong className="gate-word">{t(`gate.${key}.word`)}</strong>
        <span className="gate-next">{t(`gate.${key}.next`)}</span>
        {isResult && view.verdict.usedBefore !== null && kindOf(view.verdict) === 'used' && (
          <Before verdict={view.verdict} />
        )}
        {isTouchable && (isResult || view.name === 'failed') && <span className="gate-longer">{t('gate.longer')}</span>}
      </output>
      <Place status={status} verdict={isResult ? view.verdict : null} />
    </section>
  )
}

/** When, where and how a pass was used before. */
function Before({ verdict }: { readonly verdict: GateVerdict }) {
  const { t, language } = useVisitor()
  const nowMs = useNow(5_000)
  const { usedBefore } = verdict
  if (usedBefore === null) return null
  return (
    <span className="gate-before">
      {t('gate.before', {
        time: timeOfDay(usedBefore.at, language, false),
        ago: ago(Date.parse(usedBefore.at), nowMs, language),
        gate: usedBefore.gate,
        input: t(`gate.input.${usedBefore.input}`, { defaultValue: usedBefore.input }),
      })}
    </span>
  )
}

/** The foot of the face: which gate this is, and how much it knows. */
function Place({ status, verdict }: { readonly status: GateStatus; readonly verdict: GateVerdict | null }) {
  const { t, language } = useVisitor()
  const { site, list } = status
  const said = (): string => {
    const ageMs = verdict === null ? (list?.ageMs ?? null) : verdict.dataAgeMs
    if (ageMs === null) return t(verdict?.mode === 'offline' ? 'gate.decided_without' : `gate.no_site_list.${site}`)
    return t(verdict?.mode === 'offline' ? 'gate.decided_here' : `gate.site.${site}`, {
      // A list of "now" is a sentence in no language.
      ago: ago(0, Math.max(ageMs, 1_000), language),
    })
  }
  return (
    <footer className="gate-place">
      <h1>{t(`gate.direction.${status.direction}`, { gate: status.gate })}</h1>
      <span data-site={site} data-list={list?.state ?? 'none'} className="gate-site">
        <StateShape tone={site === 'online' ? 'ok' : site === 'unconfigured' ? 'waiting' : 'attention'} size={24} />
        {said()}
      </span>
    </footer>
  )
}
