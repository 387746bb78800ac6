import { useTranslation } from 'react-i18next'
import type { SessionSummary } from '#contract/station/session.ts'
import { duration, timeOfDay } from './time.ts'

const width = 1080
const height = 240
const left = 44
const bottom = 30
const top = 12

/** Scans over time as bars with both axes; its text alternative says the same in a sentence. */
export function Timeline({ summary }: { readonly summary: SessionSummary }) {
  const { t, i18n } = useTranslation()
  const { timeline, bucketMs } = summary
  const first = timeline[0]
  const last = timeline.at(-1)
  if (first === undefined || last === undefined) return <p className="hint">{t('summary.no_scans')}</p>

  const most = Math.max(...timeline.map(({ scans }) => scans))
  const ceiling = niceCeiling(most)
  const barWidth = Math.min(40, (width - left) / timeline.length)
  const plotHeight = height - top - bottom
  const y = (scans: number) => top + plotHeight * (1 - scans / ceiling)
  const end = Date.parse(last.from) + bucketMs
  // Two times side by side need this much, however few the bars are.
  const plotWidth = Math.max(260, barWidth * timeline.length)
  const busiest = timeline.find(({ scans }) => scans === most) ?? first
  const description = t('summary.chart', {
    from: timeOfDay(first.from, i18n.language),
    to: timeOfDay(end, i18n.language),
    bucket: duration(bucketMs, i18n.language),
    most,
    at: timeOfDay(busiest.from, i18n.language),
  })
  return (
    <figure className="timeline">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={description}>
        {[0, ceiling / 2, ceiling].map((tick) => (
          <g key={tick}>
            <line className="timeline-grid" x1={left} x2={width} y1={y(tick)} y2={y(tick)} />
            <text className="timeline-tick" x={left - 8} y={y(tick) + 5} textAnchor="end">
              {tick}
            </text>
          </g>
        ))}
        {timeline.map(({ from, scans }, index) => (
          <rect
            key={from}
            className="timeline-bar"
            x={left + index * barWidth + Math.min(2, barWidth * 0.1)}
            width={Math.max(1, barWidth - Math.min(4, barWidth * 0.2))}
            y={y(scans)}
            height={Math.max(0, y(0) - y(scans))}
          />
        ))}
        <text className="timeline-tick" x={left} y={height - 6}>
          {timeOfDay(first.from, i18n.language)}
        </text>
        <text className="timeline-tick" x={left + plotWidth} y={height - 6} textAnchor="end">
          {timeOfDay(end, i18n.language)}
        </text>
      </svg>
      <figcaption className="hint">
        {t('summary.chart_caption', { bucket: duration(bucketMs, i18n.language) })}
      </figcaption>
    </figure>
  )
}

/** The next even number of the form 2, 4, 6, 10, 20, 40, 60, 100 ...: its half is a whole number too. */
function niceCeiling(value: number): number {
  for (let unit = 1; ; unit *= 10) {
    for (const step of [2, 4, 6]) if (value <= step * unit) return step * unit
    if (value <= 10 * unit) return 10 * unit
  }
}
