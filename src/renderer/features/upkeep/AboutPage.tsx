import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { SupportBundle } from '#contract/station/upkeep.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { FactRows } from '../../ui/FactRows.tsx'
import { Sheet } from '../../ui/Sheet.tsx'
import { dateAndTime } from '../../ui/time.ts'
import { bytesText } from './bytes.ts'
import { Updates } from './Updates.tsx'
import { useAnswer } from './use-answer.ts'
import './upkeep.css'

/** Name, version and licence of each package that this window and its station are made of; put in by the build. */
declare const __LICENCES__: readonly { readonly name: string; readonly version: string; readonly licence: string }[]

/** What runs here, where its data lies, and what support may get of it. */
export function AboutPage() {
  const { t } = useTranslation()
  const { answer, error } = useAnswer('about.get', {})
  return (
    <section className="page">
      <header className="page-head">
        <h1>{t('upkeep.about.title', { version: answer?.version ?? '' })}</h1>
      </header>
      {error !== null && <ErrorNote error={error} />}
      {answer !== null && (
        <section className="panel">
          <h2>{t('upkeep.about.station')}</h2>
          <FactRows
            rows={[
              [t('upkeep.about.id'), answer.stationId],
              [t('upkeep.about.host'), t(`upkeep.about.hosts.${answer.host === 'electron' ? 'electron' : 'web'}`)],
              [t('upkeep.about.system'), answer.system],
              [t('upkeep.about.folder'), answer.dataDir],
              [t('upkeep.about.schema'), answer.schemaVersion],
              [t('upkeep.about.data_key'), t(`upkeep.about.sealed.${answer.dataKey ?? 'none'}`)],
              ...(answer.secrets === null
                ? []
                : [[t('upkeep.about.secrets'), t(`upkeep.about.kept.${answer.secrets}`)] as const]),
              ...Object.entries(answer.versions),
            ]}
          />
        </section>
      )}
      {answer !== null && answer.dataKey !== null && <Recovery />}
      <Updates />
      <Support />
      <details className="panel upkeep-licences">
        <summary>{t('upkeep.about.licences', { count: __LICENCES__.length })}</summary>
        <table className="upkeep-table">
          <thead>
            <tr>
              <th scope="col">{t('upkeep.about.package')}</th>
              <th scope="col">{t('upkeep.about.version')}</th>
              <th scope="col">{t('upkeep.about.licence')}</th>
            </tr>
          </thead>
          <tbody>
            {__LICENCES__.map(({ name, version, licence }) => (
              <tr key={`${name} ${version}`}>
                <th scope="row">{name}</th>
                <td>{version}</td>
                <td>{licence}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  )
}

/** So long the recovery key is on the screen: long enough to copy it down. */
const shownMs = 60_000

/** Shows the recovery key to an administrator who asks for it, and hides it again. */
function Recovery() {
  const { t } = useTranslation()
  const [recoveryKey, setRecoveryKey] = useState<string | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  useEffect(() => {
    if (recoveryKey === null) return undefined
    const timer = setTimeout(() => setRecoveryKey(null), shownMs)
    return () => clearTimeout(timer)
  }, [recoveryKey])
  const show = async () => {
    const result = await call('recoveryKey.show', {})
    if (result.ok) setRecoveryKey(result.value.recoveryKey)
    setError(result.ok || result.error.code === 'locked' ? null : result.error)
  }
  return (
    <section className="panel">
      <h2>{t('upkeep.recovery.title')}</h2>
      <p className="hint">{t('upkeep.recovery.lead')}</p>
      {error !== null && <ErrorNote error={error} />}
      <div className="row">
        <Button onPress={() => void show()}>{t('upkeep.recovery.show')}</Button>
      </div>
      {recoveryKey !== null && (
        <Sheet title={t('upkeep.recovery.title')} onClose={() => setRecoveryKey(null)}>
          <ol className="upkeep-key" translate="no">
            {recoveryKey.split('-').map((group, index) => (
              // The groups never move among themselves.
              <li key={index}>{group}</li>
            ))}
          </ol>
          <p className="hint">{t('upkeep.recovery.secret')}</p>
        </Sheet>
      )}
    </section>
  )
}

/** Makes a bundle, says what is in it, and only then hands it over. */
function Support() {
  const { t, i18n } = useTranslation()
  const [bundle, setBundle] = useState<SupportBundle | null>(null)
  const [isSaved, setIsSaved] = useState(false)
  const [error, setError] = useState<AppError | null>(null)
  const sent = useAnswer('enrolment.status', {}).answer?.support ?? null
  const make = async () => {
    const result = await call('support.make', {})
    if (result.ok) setBundle(result.value)
    setIsSaved(false)
    setError(result.ok || result.error.code === 'locked' ? null : result.error)
  }
  return (
    <section className="panel">
      <h2>{t('upkeep.support.title')}</h2>
      <p className="hint">{t('upkeep.support.lead')}</p>
      {sent !== null && (
        <p>
          {t('upkeep.support.to_site', {
            time: dateAndTime(sent.sentAt, i18n.language),
            size: bytesText(sent.bytes, i18n.language),
          })}
        </p>
      )}
      {error !== null && <ErrorNote error={error} />}
      {bundle === null || isSaved ? (
        <div className="row">
          {isSaved && <output>{t('upkeep.support.saved')}</output>}
          <Button kind="primary" onPress={() => void make()}>
            {t('upkeep.support.make')}
          </Button>
        </div>
      ) : (
        <>
          <ul className="upkeep-files">
            {bundle.files.map(({ name, bytes }) => (
              <li key={name}>
                <b>{name}</b> <span className="count">{bytesText(bytes, i18n.language)}</span>
                <span className="hint">{t(`upkeep.support.files.${name.replace(/\..*$/, '') as 'about'}`)}</span>
              </li>
            ))}
          </ul>
          <div className="row">
            <a className="button button-primary" href={bundle.path} download onClick={() => setIsSaved(true)}>
              {t('upkeep.support.save', { size: bytesText(bundle.bytes, i18n.language) })}
            </a>
            <Button onPress={() => setBundle(null)}>{t('upkeep.support.drop')}</Button>
          </div>
        </>
      )}
    </section>
  )
}
