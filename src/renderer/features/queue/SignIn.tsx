import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Input } from 'react-aria-components/Input'
import { Label } from 'react-aria-components/Label'
import { TextField } from 'react-aria-components/TextField'
import type { AppError } from '#contract/result.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field } from '../../ui/Fields.tsx'

type Kind = 'key' | 'person'

/** Asks for a new key or a sign-in. What is typed goes to the station and is forgotten here; it never comes back. */
export function SignIn({ onDone }: { readonly onDone: () => void }) {
  const { t } = useTranslation()
  const [kind, setKind] = useState<Kind>('key')
  const [secret, setSecret] = useState('')
  const [email, setEmail] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<AppError | null>(null)
  const send = async () => {
    setBusy(true)
    const result = await call(
      'backend.signIn',
      kind === 'key' ? { kind, key: secret } : { kind, email, password: secret },
    )
    setBusy(false)
    setSecret('')
    setError(result.ok ? null : result.error)
    if (result.ok) onDone()
  }
  return (
    <form
      className="panel queue-sign-in"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <h2>{t('queue.sign_in.title')}</h2>
      <p className="hint">{t('queue.sign_in.lead')}</p>
      <Choices<Kind>
        label={t('queue.sign_in.kind')}
        look="row"
        value={kind}
        onChange={setKind}
        choices={[
          { value: 'key', label: t('queue.sign_in.key') },
          { value: 'person', label: t('queue.sign_in.person') },
        ]}
      />
      {kind === 'person' && (
        <Field label={t('queue.sign_in.email')} value={email} onChange={setEmail} maxLength={254} />
      )}
      <TextField
        className="field"
        value={secret}
        onChange={setSecret}
        type="password"
        autoComplete="off"
        maxLength={4_096}
      >
        <Label>{t(kind === 'key' ? 'queue.sign_in.key' : 'queue.sign_in.password')}</Label>
        <Input className="input input-code" />
      </TextField>
      {error !== null && <ErrorNote error={error} />}
      <Button kind="primary" type="submit" isDisabled={busy || secret === '' || (kind === 'person' && email === '')}>
        {t('queue.sign_in.send')}
      </Button>
    </form>
  )
}
