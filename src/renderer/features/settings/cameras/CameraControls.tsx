import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { CameraControls as Controls } from '#contract/station/camera-settings.ts'
import { applyControls } from '../../../camera/camera.ts'
import { Range, Switch } from '../../../ui/Fields.tsx'

const numbers = [
  'zoom',
  'focusDistance',
  'exposureTime',
  'exposureCompensation',
  'colorTemperature',
  'brightness',
  'contrast',
  'sharpness',
] as const
const modes = ['focusMode', 'exposureMode', 'whiteBalanceMode'] as const

/** What needs its mode on manual before the camera takes it. */
const modeOf: Readonly<Partial<Record<(typeof numbers)[number], (typeof modes)[number]>>> = {
  focusDistance: 'focusMode',
  exposureTime: 'exposureMode',
  colorTemperature: 'whiteBalanceMode',
}

interface Span {
  readonly min: number
  readonly max: number
  readonly step?: number
}

/** What this camera offers of lens and light, and nothing that it does not. Each change is seen at once and remembered. */
export function CameraControls({
  track,
  controls,
  onChange,
}: {
  readonly track: MediaStreamTrack
  readonly controls: Controls
  readonly onChange: (controls: Controls) => void
}) {
  const { t } = useTranslation()
  const offered = track.getCapabilities() as Readonly<Record<string, unknown>>
  const current = track.getSettings() as Readonly<Record<string, unknown>>
  const [draft, setDraft] = useState<Partial<Record<string, number>>>({})
  const set = (fields: Controls, isFinal: boolean) => {
    void applyControls(track, fields as MediaTrackConstraintSet)
    if (isFinal) onChange({ ...controls, ...fields })
  }
  return (
    <>
      {offered['torch'] === true && (
        <Switch
          label={t('camera.control.torch')}
          isSelected={controls.torch ?? current['torch'] === true}
          onChange={(torch) => set({ torch }, true)}
        />
      )}
      {modes.map((mode) => {
        const values = offered[mode]
        if (!Array.isArray(values) || !values.includes('continuous') || !values.includes('manual')) return null
        return (
          <Switch
            key={mode}
            label={t(`camera.control.${mode}`)}
            isSelected={(controls[mode] ?? current[mode]) !== 'manual'}
            onChange={(isAutomatic) => set({ [mode]: isAutomatic ? 'continuous' : 'manual' }, true)}
          />
        )
      })}
      {numbers.map((name) => {
        const span = offered[name] as Span | undefined
        if (span === undefined || typeof span !== 'object' || span.min >= span.max) return null
        const mode = modeOf[name]
        const isAutomatic = mode !== undefined && (controls[mode] ?? current[mode]) === 'continuous'
        return (
          <Range
            key={name}
            label={t(`camera.control.${name}`)}
            value={draft[name] ?? controls[name] ?? Number(current[name] ?? span.min)}
            minValue={span.min}
            maxValue={span.max}
            step={span.step || (span.max - span.min) / 100}
            isDisabled={isAutomatic}
            onChange={(value) => {
              setDraft({ ...draft, [name]: value })
              set({ [name]: value }, false)
            }}
            onChangeEnd={(value) => {
              setDraft({})
              set({ [name]: value }, true)
            }}
          />
        )
      })}
    </>
  )
}
