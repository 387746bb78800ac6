import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { create } from 'zustand'
import type { AppError } from '#contract/result.ts'
import { captureModeSchema, defaultMarksWindowMs, duplicatePolicySchema } from '#contract/station/session.ts'
import type { CaptureMode, DuplicatePolicy } from '#contract/station/session.ts'
import { codeGroupSchema } from '#contract/symbology.ts'
import type { CodeGroup } from '#contract/symbology.ts'
import type { ReadScan } from '../../client/scan-queue.ts'
import { ControlNote } from './ControlNote.tsx'
import { scanQueue, startSessionsWith, usePendingScans } from '../../client/scans.ts'
import { useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { CodeText } from '../../ui/CodeText.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field, Select, Switch } from '../../ui/Fields.tsx'
import { StateShape } from '../../ui/StateShape.tsx'

interface StartOptions {
  readonly captureMode: CaptureMode
  readonly duplicatePolicy: DuplicatePolicy
  /** Several codes of one item are one piece. */
  readonly joinsMarks: boolean
  /** What cameras and photos are searched for. */
  readonly formats: CodeGroup
  readonly label: string
}

/** What the last session of this window was started with: the next one begins there, but with a name of its own. */
const useOptions = create<StartOptions>(() => ({
  captureMode: 'barcode_scan',
  duplicatePolicy: 'count',
  joinsMarks: true,
  formats: 'all',
  label: '',
}))

const repeatSeconds = 3

/** Chooses what a session is to be and opens it, by hand or by its first scan. */
export function SessionStart() {
  const { t } = useTranslation()
  const options = useOptions()
  const held = usePendingScans().filter(({ state }) => state === 'held')
  const [error, setError] = useState<AppError | null>(null)
  const [opening, setOpening] = useState(false)
  const isOpening = useRef(false)

  const open = async () => {
    if (isOpening.current) return
    isOpening.current = true
    setOpening(true)
    const { captureMode, duplicatePolicy, joinsMarks, formats, label } = useOptions.getState()
    const result = await call('session.open', {
      captureMode,
      duplicatePolicy,
      label: label.trim(),
      duplicateWindowMs: repeatSeconds * 1_000,
      marksWindowMs: joinsMarks ? defaultMarksWindowMs : 0,
      formats,
    })
    isOpening.current = false
    setOpening(false)
    setError(result.ok ? null : result.error)
    if (!result.ok) return
    useOptions.setState({ label: '' })
    useStation.setState({ session: result.value })
  }

  useEffect(() =>
    startSessionsWith((scan: ReadScan) => {
      scanQueue.hold(scan, false)
      void open()
    }),
  )

  return (
    <form
      className="start"
      onSubmit={(event) => {
        event.preventDefault()
        void open()
      }}
    >
      <header className="start-head">
        <h1>{t('scan.start.title')}</h1>
        <p>{t('scan.start.lead')}</p>
      </header>
      <ControlNote canShoot={false} />
      {held.length > 0 && (
        <section className="pending" data-tone="stop" role="alert">
          <h2>
            <StateShape tone="stop" size={40} />
            {t('scan.start.held', { count: held.length })}
          </h2>
          <p>{t('scan.start.held_next')}</p>
          <ul>
            {held.slice(0, 5).map(({ key, data }) => (
              <li key={key} className="pending-row">
                <CodeText raw={data} />
                <Button onPress={() => scanQueue.dismiss(key)}>{t('scan.pending.dismiss')}</Button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <div className="start-choices">
        <div className="start-what">
          <Choices
            label={t('scan.start.mode')}
            look="cards"
            value={options.captureMode}
            onChange={(captureMode) => useOptions.setState({ captureMode })}
            choices={captureModeSchema.options.map((value) => ({
              value,
              label: t(`scan.start.modes.${value}`),
              explanation: t(`scan.start.modes.${value}_why`),
            }))}
          />
          <Switch
            label={t('scan.start.marks')}
            isSelected={options.joinsMarks}
            onChange={(joinsMarks) => useOptions.setState({ joinsMarks })}
          />
          <p className="hint">{t(options.joinsMarks ? 'scan.start.marks_on' : 'scan.start.marks_off')}</p>
        </div>
        <Choices
          label={t('scan.start.policy')}
          look="cards"
          value={options.duplicatePolicy}
          onChange={(duplicatePolicy) => useOptions.setState({ duplicatePolicy })}
          choices={duplicatePolicySchema.options.map((value) => ({
            value,
            label: t(`scan.start.policies.${value}`),
            explanation: t(`scan.start.policies.${value}_why`, { seconds: repeatSeconds }),
          }))}
        />
      </div>
      <div className="start-go">
        <div className="start-details">
          <Field
            label={t('scan.start.label')}
            hint={t('scan.start.label_hint')}
            placeholder={t('scan.start.label_example')}
            maxLength={100}
            value={options.label}
            onChange={(label) => useOptions.setState({ label })}
          />
          <div className="start-formats">
            <Select
              label={t('scan.start.formats')}
              value={options.formats}
              onChange={(formats) => useOptions.setState({ formats })}
              choices={codeGroupSchema.options.map((value) => ({ value, label: t(`scan.start.groups.${value}`) }))}
            />
            <p className="hint">{t('scan.start.formats_hint')}</p>
          </div>
        </div>
        <Button type="submit" kind="primary" large autoFocus isDisabled={opening} keyName="Enter">
          {t(opening ? 'scan.start.going' : 'scan.start.go')}
        </Button>
      </div>
      {error !== null && <ErrorNote error={error} />}
    </form>
  )
}
