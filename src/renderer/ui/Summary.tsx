import { useTranslation } from 'react-i18next'
import { certificateFormats, exportFormats, stationPaths } from '#contract/station/http.ts'
import type { SessionSummary } from '#contract/station/session.ts'
import { CodeText } from './CodeText.tsx'
import { Continued } from './Continued.tsx'
import { Figure } from './Figure.tsx'
import { Timeline } from './Timeline.tsx'
import { dateAndTime, duration } from './time.ts'

/** What a session came to: counts, scans over time, the most frequent items, and its downloads. */
export function Summary({ summary }: { readonly summary: SessionSummary }) {
  const { t, i18n } = useTranslation()
  const { session, topItems, durationMs } = summary
  const { totals } = session
  return (
    <div className="summary">
      <p className="hint">
        {t('summary.when', {
          at: dateAndTime(session.openedAt, i18n.language),
          took: duration(durationMs, i18n.language),
        })}
      </p>
      <Continued session={session} />
      <dl className="figures">
        <Figure name={t('totals.scans')} value={totals.scans} strong />
        <Figure name={t('totals.units')} value={totals.units} />
        <Figure name={t('totals.unique')} value={totals.uniqueItems} />
        <Figure name={t('totals.found')} value={totals.found} {...(totals.found > 0 && { tone: 'ok' })} />
        <Figure
          name={t('totals.not_found')}
          value={totals.notFound}
          {...(totals.notFound > 0 && { tone: 'attention' })}
        />
        <Figure name={t('totals.failed')} value={totals.failed} {...(totals.failed > 0 && { tone: 'stop' })} />
        <Figure name={t('totals.waiting')} value={totals.waiting} {...(totals.waiting > 0 && { tone: 'waiting' })} />
        <Figure name={t('totals.parked')} value={totals.parked} {...(totals.parked > 0 && { tone: 'stop' })} />
        <Figure name={t('totals.duplicates')} value={totals.duplicates} />
        <Figure name={t('totals.undone')} value={totals.undone} />
      </dl>
      <section className="panel">
        <h2>{t('summary.over_time')}</h2>
        <Timeline summary={summary} />
      </section>
      {topItems.length > 0 && (
        <section className="panel">
          <h2>{t('summary.top')}</h2>
          <ol className="top-items">
            {topItems.map((item) => (
              <li key={item.gtin ?? item.raw}>
                <span className="top-item-bar">
                  <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect width={(100 * item.units) / Math.max(1, topItems[0]?.units ?? 1)} height="8" />
                  </svg>
                </span>
                <span className="top-item-name">
                  {item.productName !== null && <strong>{item.productName}</strong>}
                  <CodeText raw={item.gtin ?? item.raw} />
                </span>
                <span className="count">{t('summary.units', { count: item.units })}</span>
              </li>
            ))}
          </ol>
        </section>
      )}
      <section className="panel">
        <h2>{t('summary.export')}</h2>
        <p className="row">
          {exportFormats.map((format) => (
            <a key={format} className="button button-plain" href={stationPaths.export(session.id, format)} download>
              {t(`summary.format.${format}`)}
            </a>
          ))}
        </p>
      </section>
      <section className="panel">
        <h2>{t('summary.certificate.title')}</h2>
        <p className="hint">{t('summary.certificate.lead')}</p>
        <p className="row">
          {certificateFormats.map((format) => (
            <a
              key={format}
              className="button button-plain"
              href={stationPaths.certificate(session.id, format)}
              download
            >
              {t(`summary.certificate.${format}`)}
            </a>
          ))}
        </p>
      </section>
    </div>
  )
}
