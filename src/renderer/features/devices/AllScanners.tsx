import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { deviceClassSchema } from '#contract/station/device.ts'
import type { DeviceList } from '#contract/station/device.ts'
import type { ScannersSettings } from '#contract/station/scanner-settings.ts'
import { useSettings } from '../../client/use-settings.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Field, Switch } from '../../ui/Fields.tsx'

/** What holds for all scanners that the station reads itself. */
export function AllScanners() {
  const { t } = useTranslation()
  const { settings: all, change: changeAll, error } = useSettings()
  if (all === null) return null
  const settings = all.scanners
  const change = (fields: Partial<ScannersSettings>) => changeAll({ scanners: { ...settings, ...fields } })
  return (
    <section className="panel">
      <h2>{t('devices.all.title')}</h2>
      {error !== null && <ErrorNote error={error} />}
      <Switch
        label={t('devices.all.enabled')}
        isSelected={settings.enabled}
        onChange={(enabled) => change({ enabled })}
      />
      <Switch
        label={t('devices.all.starts')}
        isSelected={settings.startsSession}
        onChange={(startsSession) => change({ startsSession })}
      />
      <p className="hint">{t('devices.all.starts_hint')}</p>
      <Switch
        label={t('devices.all.claim')}
        isSelected={settings.claimKeyboards}
        onChange={(claimKeyboards) => change({ claimKeyboards })}
      />
      <p className="hint">{t('devices.settings.claim_hint')}</p>
      <Switch
        label={t('devices.all.chips')}
        isSelected={settings.chipReaders}
        onChange={(chipReaders) => change({ chipReaders })}
      />
      <p className="hint">{t('devices.all.chips_hint')}</p>
      <WordList
        label={t('devices.all.ports')}
        hint={t('devices.all.ports_hint')}
        words={settings.serialPorts}
        isRight={(word) => word.length <= 200}
        onChange={(serialPorts) => change({ serialPorts: [...serialPorts] })}
      />
      <WordList
        label={t('devices.all.also')}
        hint={t('devices.all.also_hint')}
        words={settings.also.map(({ vendorId, productId }) =>
          [vendorId, productId].map((id) => (id === null ? '*' : id.toString(16).padStart(4, '0'))).join(':'),
        )}
        isRight={(word) => /^[0-9a-f]{4}:([0-9a-f]{4}|\*)$/i.test(word)}
        onChange={(words) =>
          change({
            also: words.map((word) => {
              const [vendor = '', product = ''] = word.split(':')
              return {
                vendorId: Number.parseInt(vendor, 16),
                productId: product === '*' ? null : Number.parseInt(product, 16),
              }
            }),
          })
        }
      />
    </section>
  )
}

/** Words with spaces between them, saved together. */
function WordList(props: {
  readonly label: string
  readonly hint: string
  readonly words: readonly string[]
  readonly isRight: (word: string) => boolean
  readonly onChange: (words: readonly string[]) => void
}) {
  const { label, hint, words, isRight, onChange } = props
  const { t } = useTranslation()
  const [draft, setDraft] = useState<string | null>(null)
  const typed = (draft ?? words.join(' ')).split(/[\s,]+/).filter((word) => word !== '')
  return (
    <form
      className="row row-field"
      onSubmit={(event) => {
        event.preventDefault()
        onChange(typed)
        setDraft(null)
      }}
    >
      <Field label={label} hint={hint} value={draft ?? words.join(' ')} onChange={setDraft} code />
      <Button type="submit" isDisabled={draft === null || !typed.every(isRight)}>
        {t('settings.save')}
      </Button>
    </form>
  )
}

/** The one table that says how each kind of scanner is read on which system; this one's column stands out. */
export function Roads({ list }: { readonly list: DeviceList }) {
  const { t } = useTranslation()
  const platforms = [...new Set(list.roads.map(({ platform }) => platform))]
  return (
    <section className="panel">
      <h2>{t('devices.roads.title')}</h2>
      <p className="hint">{t('devices.roads.lead')}</p>
      <table className="roads">
        <thead>
          <tr>
            <th scope="col">{t('devices.fact.class')}</th>
            {platforms.map((platform) => (
              <th key={platform} scope="col" data-here={platform === list.platform || undefined}>
                {platformName(platform)}
                {platform === list.platform && <small>{t('devices.roads.here')}</small>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {deviceClassSchema.options.map((one) => (
            <tr key={one}>
              <th scope="row">{t(`devices.class.${one}`)}</th>
              {platforms.map((platform) => {
                const road = list.roads.find((row) => row.platform === platform && row.class === one)?.road ?? 'none'
                return (
                  <td key={platform} data-here={platform === list.platform || undefined}>
                    {t(`devices.road.${road}`)}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function platformName(platform: string): string {
  return { linux: 'Linux', win32: 'Windows', darwin: 'macOS' }[platform] ?? platform
}
