import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { SettingRow } from '#contract/station/setting-rows.ts'
import { useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Switch } from '../../ui/Fields.tsx'

/** Each setting as it holds, which layer that comes from, and what it does. */
export function Layers() {
  const { t } = useTranslation()
  const settings = useStation((state) => state.settings)
  const [rows, setRows] = useState<readonly SettingRow[]>([])
  const [isAll, setAll] = useState(false)
  const [error, setError] = useState<AppError | null>(null)
  useEffect(() => {
    let isGone = false
    void call('settings.explain', {}).then((result) => {
      if (result.ok && !isGone) setRows(result.value)
    })
    return () => {
      isGone = true
    }
  }, [settings])
  const reset = async (path: string) => {
    const result = await call('settings.reset', { paths: [path] })
    setError(result.ok ? null : result.error)
  }
  const shown = isAll ? rows : rows.filter(({ source }) => source !== 'built_in')
  return (
    <section className="panel layers" aria-labelledby="layers">
      <h2 id="layers">{t('settings.layers.title')}</h2>
      <p className="hint">{t('settings.layers.lead')}</p>
      <Switch label={t('settings.layers.all')} isSelected={isAll} onChange={setAll} />
      {error !== null && <ErrorNote error={error} />}
      {shown.length === 0 && <p>{t('settings.layers.none')}</p>}
      <ul className="layer-rows">
        {shown.map((row) => (
          <li key={row.path}>
            <span className="layer-what">
              {/* Every path has its text; a test compares the two lists. */}
              <b>{t(`settings.help.${row.path.replaceAll('.', '_')}` as 'settings.help.stationName')}</b>
              <code>
                {row.path} = {brief(row.value)}
              </code>
              <Others row={row} />
            </span>
            <span className="layer-source" data-source={row.source}>
              {t(`settings.layers.source.${row.source}`)}
            </span>
            {row.source === 'station' && (
              <Button onPress={() => void reset(row.path)}>{t('settings.layers.reset')}</Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What the layers below would say, which is what holds when this one says it no more. */
function Others({ row }: { readonly row: SettingRow }) {
  const { t } = useTranslation()
  const others = (['group', 'site', 'built_in'] as const).filter(
    (layer) => layer !== row.source && Object.hasOwn(row.layers, layer),
  )
  if (row.source === 'built_in' || others.length === 0) return null
  return (
    <span className="hint">
      {others.map((layer) => `${t(`settings.layers.source.${layer}`)}: ${brief(row.layers[layer])}`).join(' · ')}
    </span>
  )
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`
}
