import { useTranslation } from 'react-i18next'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { bytesText } from './bytes.ts'
import { useAnswer } from './use-answer.ts'
import './upkeep.css'

/** What takes how much room on this machine, and how much is left. */
export function StoragePage() {
  const { t, i18n } = useTranslation()
  const { answer, error, askAgain } = useAnswer('storage.measure', {})
  const text = (bytes: number) => bytesText(bytes, i18n.language)
  const used = answer?.kinds.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>{t('upkeep.storage.title')}</h1>
          <p className="hint">{t('upkeep.storage.lead')}</p>
        </div>
        <Button onPress={askAgain}>{t('upkeep.storage.again')}</Button>
      </header>
      {error !== null && <ErrorNote error={error} />}
      {answer !== null && (
        <section className="panel">
          {answer.freeBytes !== null && answer.totalBytes !== null && (
            <>
              <h2>{t('upkeep.storage.free', { free: text(answer.freeBytes), total: text(answer.totalBytes) })}</h2>
              <progress
                className="upkeep-disk"
                max={answer.totalBytes}
                value={answer.totalBytes - answer.freeBytes}
                aria-label={t('upkeep.storage.disk')}
              />
            </>
          )}
          <table className="upkeep-table">
            <caption>{t('upkeep.storage.used', { used: text(used) })}</caption>
            <thead>
              <tr>
                <th scope="col">{t('upkeep.storage.what')}</th>
                <th scope="col">{t('upkeep.storage.files')}</th>
                <th scope="col">{t('upkeep.storage.size')}</th>
              </tr>
            </thead>
            <tbody>
              {answer.kinds.map(({ kind, bytes, files }) => (
                <tr key={kind}>
                  <th scope="row">
                    {t(`upkeep.storage.kinds.${kind}`)}
                    <span className="hint">{t(`upkeep.storage.about.${kind}`)}</span>
                  </th>
                  <td>{files.toLocaleString(i18n.language)}</td>
                  <td>{text(bytes)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  )
}
