import { memo, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { Capture } from '#contract/station/capture.ts'
import type { Session, SessionSummary } from '#contract/station/session.ts'
import { photosSaved } from '../../client/save-photo.ts'
import { useStation } from '../../client/state.ts'
import { call, subscribe } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { Continued } from '../../ui/Continued.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Figure } from '../../ui/Figure.tsx'
import { CameraPanel } from './CameraPanel.tsx'
import { ControlNote } from './ControlNote.tsx'
import { CaptureList } from './CaptureList.tsx'
import { CreateProduct } from './CreateProduct.tsx'
import { LastScan } from './LastScan.tsx'
import { ManualEntry } from './ManualEntry.tsx'
import { StrangeBurstNote } from './StrangeBurstNote.tsx'
import { PendingScans } from './PendingScans.tsx'
import { PhotoIntake } from './PhotoIntake.tsx'

/** The work screen: the last scan and its count on the left, the list and what was asked for beside it on the right. */
export function Work({
  session,
  onEnded,
}: {
  readonly session: Session
  readonly onEnded: (end: SessionSummary) => void
}) {
  const { t } = useTranslation()
  const cameraEnabled = useStation((state) => state.settings?.camera.enabled ?? false)
  /** What was chosen here; until then the setting holds, which may change after this was opened. */
  const [chosen, setChosen] = useState<boolean | null>(null)
  const camera = chosen ?? cameraEnabled
  const [creating, setCreating] = useState<Capture | null>(null)
  const takesPhotos = session.captureMode !== 'barcode_scan'
  // A shot that is asked for from elsewhere needs the cameras; once open, they answer the next one.
  useEffect(
    () =>
      subscribe('camera.shoot', ({ id }) => {
        if (!camera) void call('camera.shot', { id, shots: [] })
        setChosen(true)
      }),
    [camera],
  )
  return (
    <div className="scan">
      <div className="scan-left">
        <StrangeBurstNote />
        <PendingScans />
        <LastScan
          sessionId={session.id}
          captureMode={session.captureMode}
          canUndo={session.totals.scans > 0}
          onCreate={setCreating}
        />
        <ControlNote canShoot={camera && takesPhotos} />
        {session.location !== null && (
          <p className="control-note">{t('scan.location', { location: session.location })}</p>
        )}
        <Continued session={session} />
        <Totals session={session} />
        <div className="scan-tools">
          <ManualEntry />
          <CameraButton isShown={camera} onChange={setChosen} />
          <EndSession sessionId={session.id} onEnded={onEnded} />
        </div>
      </div>
      <div className="scan-right">
        {creating !== null && <CreateProduct key={creating.id} capture={creating} onClose={() => setCreating(null)} />}
        {camera && <CameraPanel session={session} takesPhotos={takesPhotos} />}
        {takesPhotos && <PhotoIntake sessionId={session.id} />}
        <CaptureList sessionId={session.id} onCreate={setCreating} />
      </div>
    </div>
  )
}

function Totals({ session: { totals } }: { readonly session: Session }) {
  const { t } = useTranslation()
  return (
    <dl className="figures" aria-label={t('totals.label')}>
      <Figure name={t('totals.scans')} value={totals.scans} strong />
      <Figure name={t('totals.unique')} value={totals.uniqueItems} />
      <Figure
        name={t('totals.not_found')}
        value={totals.notFound}
        {...(totals.notFound > 0 && { tone: 'attention' })}
      />
      <Figure name={t('totals.waiting')} value={totals.waiting} {...(totals.waiting > 0 && { tone: 'waiting' })} />
      <Figure name={t('totals.parked')} value={totals.parked} {...(totals.parked > 0 && { tone: 'stop' })} />
      <Figure name={t('totals.duplicates')} value={totals.duplicates} />
    </dl>
  )
}

const CameraButton = memo(function CameraButton(props: {
  readonly isShown: boolean
  readonly onChange: (isShown: boolean) => void
}) {
  const { t } = useTranslation()
  return (
    <Button shortcut="c" onPress={() => props.onChange(!props.isShown)}>
      {t(props.isShown ? 'scan.camera.hide' : 'scan.camera.show')}
    </Button>
  )
})

/** Ending takes a second press, in place: a scan that arrives meanwhile is taken as ever. */
const EndSession = memo(function EndSession({
  sessionId,
  onEnded,
}: {
  readonly sessionId: string
  readonly onEnded: (end: SessionSummary) => void
}) {
  const { t } = useTranslation()
  const [asked, setAsked] = useState(false)
  // Followed only while it is shown.
  const scans = useStation((state) => (asked ? (state.session?.totals.scans ?? 0) : 0))
  const [error, setError] = useState<AppError | null>(null)
  const end = async () => {
    // What was photographed in this session is refused once it has ended.
    await photosSaved()
    const result = await call('session.end', { id: sessionId })
    if (!result.ok) return setError(result.error)
    onEnded(result.value)
    useStation.setState({ session: null, last: null })
  }
  if (!asked)
    return (
      <Button shortcut="e" onPress={() => setAsked(true)}>
        {t('scan.end.button')}
      </Button>
    )
  return (
    <div className="end-sure">
      <p>{t('scan.end.sure', { count: scans })}</p>
      <Button kind="primary" shortcut="y" autoFocus onPress={() => void end()}>
        {t('scan.end.yes')}
      </Button>
      <Button shortcut="Esc" onPress={() => setAsked(false)}>
        {t('scan.end.no')}
      </Button>
      {error !== null && <ErrorNote error={error} />}
    </div>
  )
})
