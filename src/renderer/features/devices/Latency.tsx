import { useTranslation } from 'react-i18next'
import type { DeviceDetails } from '#contract/station/device.ts'

const width = 640
const left = 8
const right = 24
/** What a person takes for at once. */
const goalMs = 50

/** From a code's last byte to the durable answer: where half, nearly all, and all but the slowest reads lie. */
export function Latency({ latency }: { readonly latency: NonNullable<DeviceDetails['latency']> }) {
  const { t, i18n } = useTranslation()
  const { p50Ms, p95Ms, p99Ms, reads } = latency
  const end = Math.max(goalMs * 1.2, p99Ms * 1.1)
  const x = (ms: number) => left + ((width - left - right) * ms) / end
  const format = (ms: number) => ms.toLocaleString(i18n.language, { maximumFractionDigits: ms < 10 ? 1 : 0 })
  const label = t('devices.latency.label', {
    count: reads,
    p50: format(p50Ms),
    p95: format(p95Ms),
    p99: format(p99Ms),
  })
  return (
    <figure className="latency">
      <svg viewBox={`0 0 ${width} 64`} preserveAspectRatio="xMinYMid" role="img" aria-label={label}>
        <rect className="latency-track" x={left} y={22} width={width - left - right} height={20} rx={4} />
        <rect className="latency-most" x={left} y={22} width={x(p95Ms) - left} height={20} rx={4} />
        <rect className="latency-half" x={left} y={22} width={Math.max(3, x(p50Ms) - left)} height={20} rx={4} />
        <path className="latency-last" d={`M${x(p99Ms)} 16v32`} />
        <path className="latency-goal" d={`M${x(goalMs)} 8v48`} />
        <text className="timeline-tick" x={x(goalMs) + 6} y={16}>
          {t('devices.latency.goal', { ms: goalMs })}
        </text>
      </svg>
      <figcaption className="latency-legend">
        <span data-mark="half">{t('devices.latency.p50', { ms: format(p50Ms) })}</span>
        <span data-mark="most">{t('devices.latency.p95', { ms: format(p95Ms) })}</span>
        <span data-mark="last">{t('devices.latency.p99', { ms: format(p99Ms) })}</span>
      </figcaption>
    </figure>
  )
}
