import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { DeviceDetails } from '#contract/station/device.ts'
import { windowDevices } from '#contract/station/device.ts'
import { keyboardLayoutSchema } from '#contract/station/keyboard-layout.ts'
import {
  chipSettingsSchema,
  deviceRoleSchema,
  scannerSettingsSchema,
  serialTerminatorSchema,
} from '#contract/station/scanner-settings.ts'
import type { ScannerSettings } from '#contract/station/scanner-settings.ts'
import { useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field, Range, Select, Switch } from '../../ui/Fields.tsx'

const defaults = scannerSettingsSchema.parse({})
const baudRates = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600]
const milliseconds = { style: 'unit', unit: 'millisecond', unitDisplay: 'short' } as const

/** How one device is read. Each change holds at once; a scanner is opened again with it. */
export function DeviceSettings({ device }: { readonly device: DeviceDetails }) {
  const { t } = useTranslation()
  const { id, facts } = device
  const settings = useStation((state) => state.settings?.scanners.byId[id]) ?? defaults
  const platform = facts?.road
  const [error, setError] = useState<AppError | null>(null)
  const change = (fields: Partial<ScannerSettings>) =>
    void call('device.configure', { id, settings: { ...settings, ...fields } }).then((result) =>
      setError(result.ok ? null : result.error),
    )
  const isWedge = id === windowDevices.wedge
  const isAbsent = facts === null || facts.road === 'none'
  const isKeyboard = facts?.class === 'hid-keyboard'
  const hasLine = facts?.class === 'cdc' || facts?.class === 'serial' || facts?.class === 'simple-com'
  return (
    <section className="panel">
      <h2>{t('devices.settings.title')}</h2>
      {error !== null && <ErrorNote error={error} />}
      <Identification settings={settings} change={change} />
      <ChipChoice key={settings.chips?.prefix} settings={settings} change={change} />
      {!isWedge && (
        <>
          <Switch
            label={t('devices.settings.enabled')}
            isSelected={settings.enabled}
            onChange={(enabled) => change({ enabled })}
          />
          {(isKeyboard || isAbsent) && (
            <KeyboardSettings settings={settings} change={change} canClaim={platform !== 'node-hid'} />
          )}
          {(hasLine || isAbsent) && <SerialSettings settings={settings} change={change} />}
          <Switch
            label={t('devices.settings.feedback')}
            isSelected={settings.feedback}
            onChange={(feedback) => change({ feedback })}
          />
          <p className="hint">{t('devices.settings.feedback_hint')}</p>
          <NumberRange
            label={t('devices.settings.stale')}
            value={settings.staleMs}
            onChange={(staleMs) => change({ staleMs })}
            range={[0, 5_000, 50]}
          />
          <p className="hint">{t('devices.settings.stale_hint')}</p>
        </>
      )}
    </section>
  )
}

interface PartProps {
  readonly settings: ScannerSettings
  readonly change: (fields: Partial<ScannerSettings>) => void
}

/** Its name, what it is for, and where it is. */
function Identification({ settings, change }: PartProps) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState<{ readonly name: string; readonly place: string } | null>(null)
  const { name, place } = draft ?? settings
  return (
    <>
      <form
        className="row row-field"
        onSubmit={(event) => {
          event.preventDefault()
          change({ name: name.trim(), place: place.trim() })
          setDraft(null)
        }}
      >
        <Field
          label={t('devices.settings.name')}
          hint={t('devices.settings.name_hint')}
          value={name}
          onChange={(value) => setDraft({ name: value, place })}
          maxLength={100}
        />
        <Field
          label={t('devices.settings.place')}
          hint={t('devices.settings.place_hint')}
          value={place}
          onChange={(value) => setDraft({ name, place: value })}
          maxLength={100}
        />
        <Button type="submit" isDisabled={draft === null}>
          {t('settings.save')}
        </Button>
      </form>
      <RoleChoice value={settings.role} onChange={(role) => change({ role })} />
    </>
  )
}

/** Whether it reads printed codes, or chips and in which notation. */
function ChipChoice({ settings: { chips }, change }: PartProps) {
  const { t } = useTranslation()
  const [prefix, setPrefix] = useState(chips?.prefix ?? '')
  const notations = chipSettingsSchema.shape.sends.options
  return (
    <>
      <Select
        label={t('devices.settings.chips')}
        value={chips?.sends ?? 'codes'}
        onChange={(value) => {
          const sends = notations.find((one) => one === value)
          change({ chips: sends === undefined ? null : { sends, prefix } })
        }}
        choices={(['codes', ...notations] as const).map((value) => ({ value, label: t(`devices.chips.${value}`) }))}
      />
      {chips !== null && (
        <>
          <p className="hint">{t('devices.settings.chips_hint')}</p>
          <form
            className="row row-field"
            onSubmit={(event) => {
              event.preventDefault()
              change({ chips: { ...chips, prefix } })
            }}
          >
            <Field
              label={t('devices.settings.chips_prefix')}
              hint={t('devices.settings.chips_prefix_hint')}
              value={prefix}
              onChange={setPrefix}
              maxLength={10}
              code
            />
            <Button type="submit" isDisabled={prefix === chips.prefix}>
              {t('settings.save')}
            </Button>
          </form>
        </>
      )}
    </>
  )
}

/** What a scanner is for. */
export function RoleChoice(props: {
  readonly value: ScannerSettings['role']
  readonly onChange: (role: ScannerSettings['role']) => void
}) {
  const { t } = useTranslation()
  return (
    <Choices
      label={t('devices.settings.role')}
      look="cards"
      value={props.value}
      onChange={props.onChange}
      choices={deviceRoleSchema.options.map((value) => ({
        value,
        label: t(`devices.role.${value}`),
        explanation: t(`devices.role.${value}_why`),
      }))}
    />
  )
}

function KeyboardSettings({ settings, change, canClaim }: PartProps & { readonly canClaim: boolean }) {
  const { t } = useTranslation()
  const { keyboard } = settings
  const set = (fields: Partial<ScannerSettings['keyboard']>) => change({ keyboard: { ...keyboard, ...fields } })
  return (
    <fieldset className="fields">
      <legend>{t('devices.settings.keyboard')}</legend>
      {canClaim && (
        <>
          <Switch
            label={t('devices.settings.claim')}
            isSelected={settings.claim}
            onChange={(claim) => change({ claim })}
          />
          <p className="hint">{t('devices.settings.claim_hint')}</p>
        </>
      )}
      <Select
        label={t('settings.layout')}
        value={keyboard.layout}
        onChange={(layout) => set({ layout })}
        choices={keyboardLayoutSchema.options.map((value) => ({ value, label: t(`settings.layouts.${value}`) }))}
      />
      <Choices
        label={t('settings.suffix')}
        look="row"
        value={keyboard.terminator}
        onChange={(terminator) => set({ terminator })}
        choices={(['enter', 'tab', 'none'] as const).map((value) => ({
          value,
          label: t(`settings.suffixes.${value}`),
        }))}
      />
      <NumberRange
        label={t('devices.settings.silence')}
        value={keyboard.silenceMs}
        onChange={(silenceMs) => set({ silenceMs })}
        range={[20, 2_000, 10]}
      />
    </fieldset>
  )
}

function SerialSettings({ settings, change }: PartProps) {
  const { t } = useTranslation()
  const { serial } = settings
  const set = (fields: Partial<ScannerSettings['serial']>) => change({ serial: { ...serial, ...fields } })
  const rates = baudRates.includes(serial.baudRate) ? baudRates : [...baudRates, serial.baudRate]
  return (
    <fieldset className="fields">
      <legend>{t('devices.settings.serial')}</legend>
      <Select
        label={t('devices.settings.baud')}
        value={String(serial.baudRate)}
        onChange={(baudRate) => set({ baudRate: Number(baudRate) })}
        choices={rates.map((rate) => ({ value: String(rate), label: t('devices.settings.baud_rate', { rate }) }))}
      />
      <div className="row row-fill">
        <Choices
          label={t('devices.settings.data_bits')}
          look="row"
          value={String(serial.dataBits)}
          onChange={(bits) => set({ dataBits: bits === '7' ? 7 : 8 })}
          choices={['7', '8'].map((value) => ({ value, label: value }))}
        />
        <Choices
          label={t('devices.settings.parity')}
          look="row"
          value={serial.parity}
          onChange={(parity) => set({ parity })}
          choices={(['none', 'even', 'odd'] as const).map((value) => ({
            value,
            label: t(`devices.settings.parities.${value}`),
          }))}
        />
        <Choices
          label={t('devices.settings.stop_bits')}
          look="row"
          value={String(serial.stopBits)}
          onChange={(bits) => set({ stopBits: bits === '2' ? 2 : 1 })}
          choices={['1', '2'].map((value) => ({ value, label: value }))}
        />
      </div>
      <Choices
        label={t('settings.suffix')}
        look="row"
        value={serial.terminator}
        onChange={(terminator) => set({ terminator })}
        choices={serialTerminatorSchema.options.map((value) => ({
          value,
          label: t(`devices.settings.terminators.${value}`),
        }))}
      />
      <Switch label={t('devices.settings.stx')} isSelected={serial.hasStx} onChange={(hasStx) => set({ hasStx })} />
      <NumberRange
        label={t('devices.settings.silence')}
        value={serial.silenceMs}
        onChange={(silenceMs) => set({ silenceMs })}
        range={[10, 2_000, 10]}
      />
      <Switch
        label={t('devices.settings.acknowledge')}
        isSelected={settings.acknowledge}
        onChange={(acknowledge) => change({ acknowledge })}
      />
      <p className="hint">{t('devices.settings.acknowledge_hint')}</p>
    </fieldset>
  )
}

/** A duration on a line; told once the hand lets go. */
function NumberRange(props: {
  readonly label: string
  readonly value: number
  readonly onChange: (value: number) => void
  readonly range: readonly [number, number, number]
}) {
  const { label, value, onChange, range } = props
  const [draft, setDraft] = useState<number | null>(null)
  return (
    <Range
      label={label}
      value={draft ?? value}
      onChange={setDraft}
      onChangeEnd={(end) => {
        onChange(end)
        setDraft(null)
      }}
      minValue={range[0]}
      maxValue={range[1]}
      step={range[2]}
      formatOptions={milliseconds}
    />
  )
}
