import { memo, useState } from 'react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPaths } from '#contract/station/http.ts'
import type { AppError, Result } from '#contract/result.ts'
import type { Capture, ScanOutcome } from '#contract/station/capture.ts'
import type { Session } from '#contract/station/session.ts'
import { takeCapture, useNow, useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { canBecomeProduct, captureView, isRetryable } from '../../ui/capture-view.ts'
import type { CaptureWord } from '../../ui/capture-view.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { ElementRows } from '../../ui/ElementRows.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { ago, timeOfDay } from '../../ui/time.ts'
import { Marks } from './Marks.tsx'
import { Quantity } from './Quantity.tsx'

/** The last scan, large: was it saved, and what is it? */
export const LastScan = memo(function LastScan({
  sessionId,
  captureMode,
  canUndo,
  onCreate,
}: {
  readonly sessionId: string
  readonly captureMode: Session['captureMode']
  readonly canUndo: boolean
  readonly onCreate: (from: Capture) => void
}) {
  const { t } = useTranslation()
  const last = useStation((state) => state.last)
  const [error, setError] = useState<AppError | null>(null)
  const isPhoto = captureMode === 'product_photography'
  const take = (result: Result<Capture>) => {
    setError(result.ok ? null : result.error)
    if (result.ok) takeCapture(result.value)
  }
  if (last === null || last.capture.sessionId !== sessionId)
    return (
      <section className="last last-empty" aria-label={t('scan.last.label')}>
        <h1>{t(isPhoto ? 'scan.empty.title_photo' : 'scan.empty.title')}</h1>
        <p>{t(isPhoto ? 'scan.empty.lead_photo' : 'scan.empty.lead')}</p>
      </section>
    )
  const { capture } = last
  return (
    <>
      <Announcement capture={capture} />
      <Shown outcome={last}>
        {capture.disposition === 'counted' && <Quantity key={capture.id} capture={capture} onResult={take} withKeys />}
        <Button
          shortcut="u"
          isDisabled={!canUndo}
          onPress={() => void call('capture.undoLast', { sessionId }).then(take)}
        >
          {t('scan.action.undo_last')}
        </Button>
        <div className="last-actions">
          {canBecomeProduct(capture) && (
            <Button kind="primary" shortcut="n" onPress={() => onCreate(capture)}>
              {t('scan.action.create')}
            </Button>
          )}
          {isRetryable(capture) && (
            <Button shortcut="r" onPress={() => void call('capture.retry', { id: capture.id }).then(take)}>
              {t('scan.action.retry')}
            </Button>
          )}
        </div>
        {error !== null && <ErrorNote error={error} />}
      </Shown>
    </>
  )
})

function useView(capture: Capture) {
  const online = useStation((state) => state.status?.backend.state === 'online')
  return captureView(capture, online)
}

function Announcement({ capture }: { readonly capture: Capture }) {
  const { t } = useTranslation()
  const { word } = useView(capture)
  const name = capture.product?.name ?? (capture.raw || t('scan.last.photo'))
  return (
    <output className="visually-hidden">{t('scan.announce', { word: t(`capture.headline.${word}`), name })}</output>
  )
}

function Shown({ outcome, children }: { readonly outcome: ScanOutcome; readonly children: ReactNode }) {
  const { t, i18n } = useTranslation()
  const { capture, previous } = outcome
  const now = useNow()
  const view = useView(capture)
  const language = i18n.language
  const { product } = capture
  const headline = t(`capture.headline.${view.word}`)
  const next = nextStep(capture, view.word)
  const before = previous === null ? '' : ago(Date.parse(previous.capturedAt), now, language)
  const note =
    outcome.outcome === 'repeated'
      ? t('scan.last.repeated', { count: capture.repeatOf })
      : outcome.outcome === 'ignored' && previous !== null
        ? t('scan.last.ignored', { ago: before })
        : outcome.outcome === 'rejected' && previous !== null
          ? t('scan.last.rejected', { ago: before })
          : ''
  return (
    <section className="last" data-tone={view.tone} data-known={product !== null} aria-label={t('scan.last.label')}>
      <div className="last-flag" key={capture.id}>
        <StateShape tone={view.tone} size={104} />
        <p className="last-saved">
          <b>{t('scan.last.saved')}</b>
          <span>{t('scan.last.number', { sequence: capture.sequence.toLocaleString(language) })}</span>
          <time dateTime={capture.capturedAt}>{timeOfDay(capture.capturedAt, language)}</time>
        </p>
      </div>
      <div className="last-body">
        {/* Chromium lets the keyboard scroll only what can be focused. */}
        <section className="last-read" tabIndex={0} aria-label={t('scan.last.read')}>
          {(product !== null || note !== '') && (
            <p className="last-word">
              {t(`capture.word.${view.word}`)}
              {note !== '' && <span className="last-note">{note}</span>}
            </p>
          )}
          {capture.photo !== null && <img className="last-photo" src={stationPaths.thumbnail(capture.photo)} alt="" />}
          <h1 className="last-name">{product?.name ?? headline}</h1>
          {product !== null && (product.brand !== '' || product.netContent !== '') && (
            <p className="last-brand">
              {[product.brand, product.netContent].filter((part) => part !== '').join(' · ')}
            </p>
          )}
          {/* A name that is known already needs no word about its being on the way. */}
          {next !== null && (product === null || view.tone !== 'waiting') && <p className="last-next">{t(next)}</p>}
          {capture.syncError !== null && view.tone === 'stop' && <q>{capture.syncError.message}</q>}
          {capture.errorMessage !== '' && <q>{capture.errorMessage}</q>}
          {capture.raw !== '' && (
            <p className="last-code" data-long={capture.raw.length > 20}>
              <CodeText raw={capture.raw} elements={capture.elements} />
            </p>
          )}
          <Facts capture={capture} />
          <Marks capture={capture} />
        </section>
        <div className="last-foot">{children}</div>
      </div>
    </section>
  )
}

/** The sentence that says what to do, or null where the name says all. */
function nextStep(capture: Capture, word: CaptureWord) {
  if (word === 'found') return null
  if (word !== 'not_found' || capture.gtin !== null) return `capture.next.${word}` as const
  return capture.type === 'IMAGE' ? 'capture.next.not_found_photo' : 'capture.next.not_found_no_gtin'
}

/** What the code itself says: its type, the product number and each element by name. */
function Facts({ capture }: { readonly capture: Capture }) {
  const { t } = useTranslation()
  const { elements, gtin, raw, warnings } = capture
  return (
    <>
      <dl className="facts">
        {gtin !== null && gtin !== raw && (
          <div>
            <dt>{t('scan.last.gtin')}</dt>
            <dd>
              <CodeText raw={gtin} />
            </dd>
          </div>
        )}
        {capture.addOn !== null && (
          <div>
            <dt>{t('scan.last.add_on')}</dt>
            <dd className="code">{capture.addOn}</dd>
          </div>
        )}
        <ElementRows elements={elements.filter(({ ai, value }) => !(ai === '01' && value === gtin))} />
        {capture.symbology !== 'unknown' && (
          <div>
            <dt>{t('scan.last.symbology')}</dt>
            <dd>{t(`symbology.${capture.symbology}`)}</dd>
          </div>
        )}
        <div>
          <dt>{t('scan.last.read_by')}</dt>
          <dd>{capture.deviceName === '' ? t(`source.${capture.source}`) : capture.deviceName}</dd>
        </div>
      </dl>
      {warnings.length > 0 && (
        <p className="hint">
          {t('capture.warnings', { count: warnings.length, text: warnings.map(({ message }) => message).join(' ') })}
        </p>
      )}
    </>
  )
}
