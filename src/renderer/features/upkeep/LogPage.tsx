import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { LogLevel } from '#contract/station/upkeep.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field } from '../../ui/Fields.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { dateAndTime } from '../../ui/time.ts'
import { useAnswer } from './use-answer.ts'
import './upkeep.css'

const tones = { debug: 'info', info: 'info', warn: 'attention', error: 'stop' } as const
const levels = ['info', 'warn', 'error'] as const

/** What this station has written down of itself, without codes, keys and names; the newest first. */
export function LogPage() {
  const { t, i18n } = useTranslation()
  const [least, setLeast] = useState<LogLevel>('info')
  const [words, setWords] = useState('')
  const { answer, error, askAgain } = useAnswer('log.list', { least, words: useDeferredValue(words), limit: 300 })
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>{t('upkeep.log.title')}</h1>
          <p className="hint">{t('upkeep.log.lead')}</p>
        </div>
        <Button onPress={askAgain}>{t('upkeep.log.again')}</Button>
      </header>
      <div className="row row-field">
        <Field label={t('upkeep.log.words')} value={words} onChange={setWords} maxLength={200} />
        <Choices
          label={t('upkeep.log.least')}
          look="row"
          value={least}
          onChange={setLeast}
          choices={levels.map((value) => ({ value, label: t(`upkeep.log.levels.${value}`) }))}
        />
      </div>
      {error !== null && error.code !== 'locked' && <ErrorNote error={error} />}
      {error?.code === 'locked' && (
        <p className="nothing">
          {t('error.locked')} <Button onPress={askAgain}>{t('upkeep.log.unlock')}</Button>
        </p>
      )}
      {answer?.length === 0 && <p className="nothing">{t('upkeep.log.empty')}</p>}
      {answer !== null && answer.length > 0 && (
        <ol className="upkeep-log" aria-label={t('upkeep.log.title')}>
          {answer.map(({ at, level, room, message, facts }, index) => (
            <li key={`${at} ${index}`}>
              <StateShape tone={tones[level]} size={22} />
              <span className="upkeep-line">
                <b>{message}</b>
                <span className="hint">
                  <time dateTime={at}>{dateAndTime(at, i18n.language)}</time> {t(`upkeep.log.level.${level}`)} {room}
                </span>
                {Object.keys(facts).length > 0 && (
                  <span className="upkeep-facts">
                    {Object.entries(facts)
                      .map(([name, value]) => `${name}: ${value}`)
                      .join('\n')}
                  </span>
                )}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
