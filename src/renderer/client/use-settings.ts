import { useState } from 'react'
import type { AppError } from '#contract/result.ts'
import type { Settings } from '#contract/station/settings.ts'
import { useStation } from './state.ts'
import { call } from './station.ts'

/** Whole fields of the settings. */
export type SettingsChange = Partial<Settings>

/**
 * The settings for a screen that changes them: as they will be once the changes on their way are made, so that what a person
 * sets next keeps what was set a moment ago. Where the station refuses one, they are what it says again.
 */
export function useSettings(): {
  readonly settings: Settings | null
  readonly change: (change: SettingsChange) => void
  /** Why the last change was refused. */
  readonly error: AppError | null
} {
  const told = useStation((state) => state.settings)
  const [underWay, setUnderWay] = useState<readonly SettingsChange[]>([])
  const [error, setError] = useState<AppError | null>(null)
  const change = (fields: SettingsChange): void => {
    setUnderWay((before) => [...before, fields])
    void call('settings.change', fields).then((result) => {
      if (result.ok) useStation.setState({ settings: result.value })
      setUnderWay((before) => before.filter((one) => one !== fields))
      setError(result.ok ? null : result.error)
    })
  }
  const settings = told && underWay.reduce<Settings>((shown, fields) => ({ ...shown, ...fields }), told)
  return { settings, change, error }
}
