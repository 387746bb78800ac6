import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Calibration as Table } from '#contract/station/calibration.ts'
import type { KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import type { Settings } from '#contract/station/settings.ts'
import { calibrate, calibrationCodes } from '#domain/calibration.ts'
import type { CalibrationFindings, CalibrationReading, CalibrationReadings } from '#domain/calibration.ts'
import { interceptScans } from '../../client/scans.ts'
import { tellStrangeBurst, useStrangeBurst } from '../../client/strange-burst.ts'
import { beginWedgeTrial } from '../../client/wedge-trial.ts'
import { Button } from '../../ui/Button.tsx'

/** What a calibration may change, together. */
type Change = (fields: {
  readonly wedge?: Partial<Settings['wedge']>
  readonly wedgeCalibration?: Table | null
}) => void

/** Walks through the calibration sheet with a keyboard scanner, says what was found, and keeps what makes it right. */
export function Calibration({
  calibration,
  wedge,
  onChange,
}: {
  readonly calibration: Table | null
  readonly wedge: Settings['wedge']
  readonly onChange: Change
}) {
  const { t } = useTranslation()
  const [readings, setReadings] = useState<CalibrationReadings | null>(null)
  const next = readings === null ? undefined : calibrationCodes.find(({ name }) => readings[name] === undefined)
  const asked = next?.name
  useEffect(() => {
    if (asked === undefined) return
    const take = (reading: CalibrationReading) => setReadings((before) => ({ ...before, [asked]: reading }))
    const stops = [
      interceptScans(({ data }, pace) => take({ text: data, ...(pace && { pace }) })),
      // A key that is dead on this computer: the code cannot be told, and that is what was to be found out.
      useStrangeBurst.subscribe(({ burst }) => {
        if (burst === null || burst.reason === 'too_long' || burst.reason === 'interrupted') return
        tellStrangeBurst(null)
        take({ text: '', isUntold: true })
      }),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }, [asked])
  const isRunning = asked !== undefined
  useEffect(() => (isRunning ? beginWedgeTrial() : undefined), [isRunning])
  return (
    <div className="scanner-test">
      <div className="row">
        <Button kind={isRunning ? 'primary' : 'plain'} onPress={() => setReadings(isRunning ? null : {})}>
          {t(isRunning ? 'settings.calibration.stop' : 'settings.calibration.start')}
        </Button>
        {calibration !== null && (
          <Button onPress={() => onChange({ wedgeCalibration: null })}>{t('settings.calibration.forget')}</Button>
        )}
        <p className="hint">{t(calibration === null ? 'settings.calibration.lead' : 'settings.calibration.in_use')}</p>
      </div>
      {next !== undefined && (
        <output className="scanner-read">
          <p>
            {t('settings.calibration.scan', {
              number: calibrationCodes.indexOf(next) + 1,
              of: calibrationCodes.length,
            })}
          </p>
        </output>
      )}
      {readings !== null && !isRunning && (
        <Findings
          findings={calibrate(readings)}
          wedge={wedge}
          onPace={(limits) => onChange({ wedge: limits })}
          onLayout={(scannerLayout) => {
            // By the places of its keys all is different: what is left to find shows when it is read like that.
            onChange({ wedge: { scannerLayout }, wedgeCalibration: null })
            setReadings({})
          }}
          onKeep={(wedgeCalibration) => {
            onChange({ wedgeCalibration })
            setReadings(null)
          }}
        />
      )}
    </div>
  )
}

const shownLayouts = 4

function Findings({
  findings,
  wedge,
  onPace,
  onLayout,
  onKeep,
}: {
  readonly findings: CalibrationFindings
  readonly wedge: Settings['wedge']
  readonly onPace: (limits: NonNullable<CalibrationFindings['limits']>) => void
  readonly onLayout: (layout: KeyboardLayout) => void
  readonly onKeep: (calibration: Table) => void
}) {
  const { t } = useTranslation()
  const { calibration, isFaithful, layouts, faults, lost, limits, meanGapMs } = findings
  const scanners = [...new Set(layouts.map(({ scanner }) => scanner))].slice(0, shownLayouts)
  const isPaceKept = limits?.maxGapMs === wedge.maxGapMs && limits.maxMeanGapMs === wedge.maxMeanGapMs
  return (
    <output className="scanner-read">
      {isFaithful && <p>{t('settings.calibration.faithful')}</p>}
      <ul>
        {faults.map(({ code, characters }) => (
          <li key={code}>
            {t(`settings.calibration.fault.${code}`)} {characters}
          </li>
        ))}
        {layouts.slice(0, 5).map(({ scanner, host }) => (
          <li key={`${scanner} ${host}`}>
            {t('settings.calibration.layouts', { scanner: scanner.toUpperCase(), host: host.toUpperCase() })}
          </li>
        ))}
        {lost !== '' && <li>{t('settings.calibration.lost', { characters: lost })}</li>}
        {meanGapMs !== null && (
          <li>{t('settings.calibration.pace', { ms: meanGapMs.toFixed(meanGapMs < 10 ? 1 : 0) })}</li>
        )}
      </ul>
      <div className="row">
        {wedge.scannerLayout === 'as_typed' &&
          scanners.map((scanner) => (
            <Button key={scanner} kind="primary" onPress={() => onLayout(scanner)}>
              {t('settings.calibration.set_layout', { layout: t(`settings.layouts.${scanner}`) })}
            </Button>
          ))}
        {limits !== null && !isPaceKept && (
          <Button onPress={() => onPace(limits)}>
            {t('settings.calibration.set_pace', { mean: limits.maxMeanGapMs, gap: limits.maxGapMs })}
          </Button>
        )}
        {calibration !== null && !isFaithful && (
          <Button kind={scanners.length === 0 ? 'primary' : 'plain'} onPress={() => onKeep(calibration)}>
            {t('settings.calibration.keep')}
          </Button>
        )}
      </div>
    </output>
  )
}
