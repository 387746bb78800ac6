import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Calibration as Table } from '#contract/station/calibration.ts'
import { calibrate, calibrationCodes } from '#domain/calibration.ts'
import type { CalibrationReadings } from '#domain/calibration.ts'
import { interceptScans } from '../../client/scans.ts'
import { Button } from '../../ui/Button.tsx'

/** Walks through the calibration sheet with a keyboard scanner, says what was found, and keeps what repairs its codes. */
export function Calibration({
  calibration,
  onChange,
}: {
  readonly calibration: Table | null
  readonly onChange: (calibration: Table | null) => void
}) {
  const { t } = useTranslation()
  const [readings, setReadings] = useState<CalibrationReadings | null>(null)
  const next = readings === null ? undefined : calibrationCodes.find(({ name }) => readings[name] === undefined)
  const asked = next?.name
  useEffect(() => {
    if (asked === undefined) return
    return interceptScans(({ data }) => setReadings((before) => ({ ...before, [asked]: { text: data } })))
  }, [asked])
  return (
    <div className="scanner-test">
      <div className="row">
        <Button
          kind={next === undefined ? 'plain' : 'primary'}
          onPress={() => setReadings(next === undefined ? {} : null)}
        >
          {t(next === undefined ? 'settings.calibration.start' : 'settings.calibration.stop')}
        </Button>
        {calibration !== null && <Button onPress={() => onChange(null)}>{t('settings.calibration.forget')}</Button>}
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
      {readings !== null && next === undefined && (
        <Findings
          readings={readings}
          onKeep={(found) => {
            onChange(found)
            setReadings(null)
          }}
        />
      )}
    </div>
  )
}

function Findings({
  readings,
  onKeep,
}: {
  readonly readings: CalibrationReadings
  readonly onKeep: (calibration: Table) => void
}) {
  const { t } = useTranslation()
  const { calibration, isFaithful, layouts, faults, lost } = calibrate(readings)
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
      </ul>
      {calibration !== null && !isFaithful && (
        <Button kind="primary" onPress={() => onKeep(calibration)}>
          {t('settings.calibration.keep')}
        </Button>
      )}
    </output>
  )
}
