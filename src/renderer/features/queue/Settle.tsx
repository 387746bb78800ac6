import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError, Result } from '#contract/result.ts'
import type { Candidates, Capture } from '#contract/station/capture.ts'
import type { Session } from '#contract/station/session.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { CodeText } from '../../ui/CodeText.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Field, Select } from '../../ui/Fields.tsx'
import { dateAndTime } from '../../ui/time.ts'

type Means = 'edit' | 'move' | 'discard'

/** What a person can do about a capture that the server refused: correct, move, or give up with a reason. */
export function Refused({ capture, sessions }: { readonly capture: Capture; readonly sessions: readonly Session[] }) {
  const { t, i18n } = useTranslation()
  const [means, setMeans] = useState<Means | null>(null)
  const [text, setText] = useState('')
  const [error, setError] = useState<AppError | null>(null)
  const others = sessions.filter(({ id }) => id !== capture.sessionId)
  const open = (next: Means) => {
    setMeans(means === next ? null : next)
    setError(null)
    setText(next === 'edit' ? capture.raw : next === 'move' ? (others[0]?.id ?? '') : '')
  }
  const send = async () => {
    const { id } = capture
    const result: Result<Capture> =
      means === 'edit'
        ? await call('capture.correct', { id, raw: text })
        : means === 'move'
          ? await call('capture.move', { id, sessionId: text })
          : await call('capture.discard', { id, reason: text })
    setError(result.ok ? null : result.error)
    if (result.ok) setMeans(null)
  }
  return (
    <div className="settle">
      <fieldset className="settle-means">
        <legend className="visually-hidden">{t('queue.settle.label')}</legend>
        {capture.type !== 'IMAGE' && (
          <Button aria-expanded={means === 'edit'} onPress={() => open('edit')}>
            {t('queue.settle.edit')}
          </Button>
        )}
        {others.length > 0 && (
          <Button aria-expanded={means === 'move'} onPress={() => open('move')}>
            {t('queue.settle.move')}
          </Button>
        )}
        <Button aria-expanded={means === 'discard'} onPress={() => open('discard')}>
          {t('queue.settle.discard')}
        </Button>
      </fieldset>
      {means !== null && (
        <form
          className="settle-form"
          onSubmit={(event) => {
            event.preventDefault()
            void send()
          }}
        >
          {means === 'move' ? (
            <Select
              label={t('queue.settle.session')}
              value={text}
              onChange={setText}
              choices={others.map((session) => ({
                value: session.id,
                label: session.label || dateAndTime(session.openedAt, i18n.language),
              }))}
            />
          ) : (
            <Field
              label={t(means === 'edit' ? 'queue.settle.value' : 'queue.settle.reason')}
              value={text}
              onChange={setText}
              code={means === 'edit'}
              maxLength={means === 'edit' ? 8_192 : 300}
              autoFocus
            />
          )}
          <Button
            kind={means === 'discard' ? 'stop' : 'primary'}
            type="submit"
            isDisabled={text.trim() === '' || (means === 'edit' && text === capture.raw)}
          >
            {t(`queue.settle.${means}_send`)}
          </Button>
        </form>
      )}
      {error !== null && <ErrorNote error={error} />}
    </div>
  )
}

/** Both sides of a capture of which nobody knows whether the server has it; a person says which it is. */
export function Undecided({ capture }: { readonly capture: Capture }) {
  const { t, i18n } = useTranslation()
  const [found, setFound] = useState<Candidates | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  useEffect(() => {
    void call('capture.candidates', { id: capture.id }).then((result) =>
      result.ok ? setFound(result.value) : setError(result.error),
    )
  }, [capture.id])
  const decide = async (remoteId: string | null) => {
    const result = await call('capture.decide', { id: capture.id, remoteId })
    setError(result.ok ? null : result.error)
  }
  return (
    <div className="settle">
      <p>{t('queue.undecided.lead')}</p>
      <dl className="settle-sides">
        <div>
          <dt>{t('queue.undecided.ours')}</dt>
          <dd>
            <CodeText raw={capture.raw} />
          </dd>
          <dd className="hint">
            {found !== null && t('queue.undecided.sent', { at: dateAndTime(found.sentAt, i18n.language) })}
          </dd>
        </div>
        {found?.candidates.map((candidate) => (
          <div key={candidate.remoteId}>
            <dt>{t('queue.undecided.theirs')}</dt>
            <dd>
              <CodeText raw={candidate.raw} />
            </dd>
            <dd className="hint">
              {candidate.createdAt !== null &&
                t('queue.undecided.created', { at: dateAndTime(candidate.createdAt, i18n.language) })}
            </dd>
            <dd className="hint code">{candidate.remoteId}</dd>
            <dd>
              <Button onPress={() => void decide(candidate.remoteId)}>{t('queue.undecided.this_one')}</Button>
            </dd>
          </div>
        ))}
        {found?.candidates.length === 0 && (
          <div>
            <dt>{t('queue.undecided.theirs')}</dt>
            <dd>{t('queue.undecided.none')}</dd>
          </div>
        )}
      </dl>
      <Button onPress={() => void decide(null)}>{t('queue.undecided.send_again')}</Button>
      {error !== null && <ErrorNote error={error} />}
    </div>
  )
}
