import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { reviewActions, reviewKeys, type ReviewAction, type ReviewKey } from '#contract/station/review-keys.ts'
import { languageSchema, settingsSchema, uploadFormatSchema } from '#contract/station/settings.ts'
import type { Settings } from '#contract/station/settings.ts'
import { interceptScans } from '../../client/scans.ts'
import { useSettings, type SettingsChange } from '../../client/use-settings.ts'
import { Button } from '../../ui/Button.tsx'
import { controlName } from '../../ui/code-groups.ts'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field, Range, Switch, Select } from '../../ui/Fields.tsx'
import { languageName } from '../../ui/language-name.ts'
import { openSound, playSound } from '../../ui/sounds.ts'
import type { Sound } from '../../ui/sounds.ts'
import { Calibration } from './Calibration.tsx'
import { CameraSettings } from './cameras/CameraSettings.tsx'
import { GateSettingsForm } from './GateSettings.tsx'
import { OperatorSettings } from './OperatorSettings.tsx'
import { FolderSettings } from './cameras/FolderSettings.tsx'
import { Layers } from './Layers.tsx'
import { SiteSettings } from './SiteSettings.tsx'

type Change = (change: SettingsChange) => void

/** The station's own settings; each change holds at once. */
export function SettingsScreen() {
  const { t } = useTranslation()
  const { settings, change, error } = useSettings()
  if (settings === null) return null
  return (
    <section className="page">
      <header className="page-head">
        <h1>{t('settings.title')}</h1>
      </header>
      {error !== null && <ErrorNote error={error} />}
      <div className="settings">
        <StationSettings settings={settings} change={change} />
        <SoundSettings sound={settings.sound} change={change} />
        <ScannerSettings wedge={settings.wedge} calibration={settings.wedgeCalibration} change={change} />
        <CameraSettings settings={settings} change={change} />
        <FolderSettings settings={settings} change={change} />
        <PhotoSettings photo={settings.photo} change={change} />
        <RetentionSettings retention={settings.retention} change={change} />
        <GateSettingsForm gate={settings.gate} change={change} />
        <SiteSettings />
        <OperatorSettings />
        <ReviewSettings review={settings.review} change={change} />
        <Layers />
      </div>
    </section>
  )
}

function StationSettings({ settings, change }: { readonly settings: Settings; readonly change: Change }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState<string | null>(null)
  const name = draft ?? settings.stationName
  return (
    <section className="panel">
      <h2>{t('settings.station')}</h2>
      <form
        className="row row-field"
        onSubmit={(event) => {
          event.preventDefault()
          if (name.trim() === '') return
          change({ stationName: name.trim() })
          setDraft(null)
        }}
      >
        <Field
          label={t('settings.name')}
          hint={t('settings.name_hint')}
          value={name}
          onChange={setDraft}
          maxLength={100}
          isRequired
        />
        <Button type="submit" isDisabled={name.trim() === '' || name.trim() === settings.stationName}>
          {t('settings.save')}
        </Button>
      </form>
      <Select
        label={t('settings.language')}
        value={settings.language}
        onChange={(language) => change({ language })}
        choices={languageSchema.options.map((value) => ({ value, label: languageName(value) }))}
      />
      <Choices
        label={t('settings.theme')}
        look="row"
        value={settings.theme}
        onChange={(theme) => change({ theme })}
        choices={(['system', 'light', 'dark'] as const).map((value) => ({
          value,
          label: t(`settings.themes.${value}`),
        }))}
      />
      <Choices
        label={t('settings.text_size')}
        look="row"
        value={settings.textSize}
        onChange={(textSize) => change({ textSize })}
        choices={(['normal', 'large', 'largest'] as const).map((value) => ({
          value,
          label: t(`settings.text_sizes.${value}`),
        }))}
      />
    </section>
  )
}

function ReviewSettings({ review, change }: { readonly review: Settings['review']; readonly change: Change }) {
  const { t } = useTranslation()
  const { keys, probeShare } = review
  const set = (action: ReviewAction, key: ReviewKey) => {
    const before = reviewActions.find((other) => keys[other] === key)
    const swapped = before === undefined ? {} : { [before]: keys[action] }
    change({ review: { ...review, keys: { ...keys, ...swapped, [action]: key } } })
  }
  return (
    <section className="panel">
      <h2>{t('settings.review')}</h2>
      <p className="hint">{t('settings.review_hint')}</p>
      {reviewActions.map((action) => (
        <Select
          key={action}
          label={t(`review.action.${action}`)}
          value={keys[action]}
          onChange={(key) => set(action, key)}
          choices={reviewKeys.map((value) => ({ value, label: value }))}
        />
      ))}
      <Switch
        label={t('settings.probes')}
        isSelected={probeShare > 0}
        onChange={(on) => change({ review: { ...review, probeShare: on ? 0.05 : 0 } })}
      />
      <p className="hint">{t('settings.probes_hint')}</p>
    </section>
  )
}

const photoLabels = {
  reserveMegabytes: 'settings.photo_reserve',
  quotaMegabytes: 'settings.photo_quota',
  keepDays: 'settings.photo_keep',
} as const

function PhotoSettings({ photo, change }: { readonly photo: Settings['photo']; readonly change: Change }) {
  const { t } = useTranslation()
  return (
    <section className="panel">
      <h2>{t('settings.photos')}</h2>
      <Choices
        label={t('settings.upload_format')}
        look="row"
        value={photo.uploadFormat}
        onChange={(uploadFormat) => change({ photo: { ...photo, uploadFormat } })}
        choices={uploadFormatSchema.options.map((value) => ({ value, label: t(`settings.upload_formats.${value}`) }))}
      />
      <p className="hint">{t('settings.upload_format_hint')}</p>
      {(['reserveMegabytes', 'quotaMegabytes', 'keepDays'] as const).map((name) => (
        <Field
          key={name}
          label={t(photoLabels[name])}
          value={String(photo[name])}
          inputMode="numeric"
          maxLength={6}
          onChange={(text) => /^\d{0,6}$/.test(text) && change({ photo: { ...photo, [name]: Number(text) } })}
        />
      ))}
    </section>
  )
}

function RetentionSettings(props: { readonly retention: Settings['retention']; readonly change: Change }) {
  const { t } = useTranslation()
  const { retention, change } = props
  return (
    <section className="panel">
      <h2>{t('settings.retention.title')}</h2>
      <p className="hint">{t('settings.retention.lead')}</p>
      {(['sessionDays', 'gateDays'] as const).map((name) => (
        <Field
          key={name}
          label={t(`settings.retention.${name}`)}
          value={String(retention[name])}
          inputMode="numeric"
          maxLength={4}
          onChange={(text) => {
            const days = Number(text)
            if (/^\d{0,4}$/.test(text) && days <= 3_650) change({ retention: { ...retention, [name]: days } })
          }}
        />
      ))}
    </section>
  )
}

const soundNames: readonly Sound[] = ['saved', 'joined', 'again', 'unknown', 'stopped']

function SoundSettings({ sound, change }: { readonly sound: Settings['sound']; readonly change: Change }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState<number | null>(null)
  const volume = draft ?? sound.volume
  return (
    <section className="panel">
      <h2>{t('settings.sound')}</h2>
      <Switch
        label={t('settings.sound_on')}
        isSelected={sound.enabled}
        onChange={(enabled) => change({ sound: { ...sound, enabled } })}
      />
      <Range
        label={t('settings.volume')}
        value={volume}
        onChange={setDraft}
        onChangeEnd={(value) => {
          change({ sound: { ...sound, volume: value } })
          setDraft(null)
        }}
        minValue={0}
        maxValue={1}
        step={0.05}
        formatOptions={{ style: 'percent' }}
      />
      <div className="row">
        {soundNames.map((name) => (
          <Button
            key={name}
            onPress={() => {
              openSound()
              playSound(name, volume)
            }}
          >
            {t(`settings.sounds.${name}`)}
          </Button>
        ))}
      </div>
      <p className="hint">{t('settings.sounds_hint')}</p>
    </section>
  )
}

const wedgeSchema = settingsSchema.shape.wedge.unwrap().shape

function ScannerSettings({
  wedge,
  calibration,
  change,
}: {
  readonly wedge: Settings['wedge']
  readonly calibration: Settings['wedgeCalibration']
  readonly change: Change
}) {
  const { t } = useTranslation()
  const [edits, setEdits] = useState<Partial<Settings['wedge']>>({})
  const draft = { ...wedge, ...edits }
  const edit = (fields: Partial<Settings['wedge']>) => setEdits({ ...edits, ...fields })
  const save = (fields: Partial<Settings['wedge']>) => {
    change({ wedge: { ...draft, ...fields } })
    setEdits({})
  }
  const milliseconds = { style: 'unit', unit: 'millisecond', unitDisplay: 'short' } as const
  return (
    <section className="panel">
      <h2>{t('settings.scanner')}</h2>
      <ScannerTest />
      <Calibration
        calibration={calibration}
        wedge={wedge}
        onChange={({ wedge: found, ...fields }) =>
          change({ ...fields, ...(found && { wedge: { ...wedge, ...found } }) })
        }
      />
      <Choices
        label={t('settings.separator')}
        look="row"
        value={draft.groupSeparator}
        onChange={(groupSeparator) => save({ groupSeparator })}
        choices={wedgeSchema.groupSeparator
          .unwrap()
          .options.map((value) => ({ value, label: t(`settings.separators.${value}`) }))}
      />
      <Choices
        label={t('settings.suffix')}
        look="row"
        value={draft.suffix}
        onChange={(suffix) => save({ suffix })}
        choices={wedgeSchema.suffix
          .unwrap()
          .options.map((value) => ({ value, label: t(`settings.suffixes.${value}`) }))}
      />
      <Select
        label={t('settings.layout')}
        value={draft.scannerLayout}
        onChange={(scannerLayout) => save({ scannerLayout })}
        choices={wedgeSchema.scannerLayout
          .unwrap()
          .options.map((value) => ({ value, label: t(`settings.layouts.${value}`) }))}
      />
      <p className="hint">{t('settings.layout_hint')}</p>
      <Switch
        label={t('settings.caps_lock')}
        isSelected={draft.scannerCapsLock === 'followed'}
        onChange={(followed) => save({ scannerCapsLock: followed ? 'followed' : 'ignored' })}
      />
      <form
        className="row row-field"
        onSubmit={(event) => {
          event.preventDefault()
          save({})
        }}
      >
        <Field
          label={t('settings.prefix')}
          hint={t('settings.prefix_hint')}
          value={draft.prefix}
          onChange={(prefix) => edit({ prefix })}
          maxLength={10}
          code
        />
        <Button type="submit" isDisabled={draft.prefix === wedge.prefix}>
          {t('settings.save')}
        </Button>
      </form>
      <Range
        label={t('settings.max_gap')}
        value={draft.maxGapMs}
        onChange={(maxGapMs) => edit({ maxGapMs })}
        onChangeEnd={(maxGapMs) => save({ maxGapMs })}
        minValue={10}
        maxValue={500}
        step={5}
        formatOptions={milliseconds}
      />
      <Range
        label={t('settings.mean_gap')}
        value={draft.maxMeanGapMs}
        onChange={(maxMeanGapMs) => edit({ maxMeanGapMs })}
        onChangeEnd={(maxMeanGapMs) => save({ maxMeanGapMs })}
        minValue={5}
        maxValue={200}
        step={5}
        formatOptions={milliseconds}
      />
      <Range
        label={t('settings.min_length')}
        value={draft.minLength}
        onChange={(minLength) => edit({ minLength })}
        onChangeEnd={(minLength) => save({ minLength })}
        minValue={2}
        maxValue={20}
        step={1}
      />
    </section>
  )
}

/** Shows what a scanner sends, byte by byte, without saving any of it. */
function ScannerTest() {
  const { t } = useTranslation()
  const [running, setRunning] = useState(false)
  const [read, setRead] = useState<string | null>(null)
  useEffect(() => {
    if (!running) return
    return interceptScans(({ data }) => setRead(data))
  }, [running])
  return (
    <div className="scanner-test">
      <div className="row">
        <Button
          kind={running ? 'primary' : 'plain'}
          onPress={() => {
            setRead(null)
            setRunning(!running)
          }}
        >
          {t(running ? 'settings.test_stop' : 'settings.test_start')}
        </Button>
        <p className="hint">{t('settings.test_lead')}</p>
      </div>
      {running && (
        <output className="scanner-read">
          {read === null ? (
            <p>{t('settings.test_waiting')}</p>
          ) : (
            <>
              <ol className="characters">
                {Array.from(read, (character, index) => {
                  const control = controlName(character)
                  const code = (character.codePointAt(0) ?? 0).toString(16).padStart(2, '0').toUpperCase()
                  return (
                    // A read never changes; its characters have no other name.
                    <li key={index} className={control === null ? 'character' : 'character character-control'}>
                      <span>{control ?? character}</span>
                      <small>{code}</small>
                    </li>
                  )
                })}
              </ol>
              <p className="hint">{t('settings.test_result', { count: [...read].length })}</p>
            </>
          )}
        </output>
      )}
    </div>
  )
}
