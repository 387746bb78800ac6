import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { EnrolledSite, EnrolmentRefusal, EnrolmentStatus, InspectedCode } from '#contract/station/enrolment.ts'
import { useNow, useStation } from '../../client/state.ts'
import { call, onMissed, subscribe } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { FactRows } from '../../ui/FactRows.tsx'
import { Field } from '../../ui/Fields.tsx'
import { Note } from '../../ui/Note.tsx'
import { ago, dateAndTime } from '../../ui/time.ts'
import './site.css'

type Code = Extract<InspectedCode, { outcome: 'code' }>
type Refused = Extract<InspectedCode, { outcome: 'refused' }>

/** The site that this station belongs to, and how it comes to one: a code is read, compared by a person, and confirmed. */
export function SiteSettings() {
  const { t } = useTranslation()
  const [status, setStatus] = useState<EnrolmentStatus | null>(null)
  const [typed, setTyped] = useState('')
  /** What was pasted, as the station understood it; what a scanner has read is in the status. */
  const [pasted, setPasted] = useState<{ readonly code: string; readonly inspected: InspectedCode } | null>(null)
  const [refused, setRefused] = useState<Refused | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const [busy, setBusy] = useState(false)
  const isRefused = useStation((state) => state.status?.backend.state === 'unauthorised')
  useEffect(() => {
    const load = () => void call('enrolment.status', {}).then((result) => result.ok && setStatus(result.value))
    load()
    const stops = [subscribe('enrolment.changed', setStatus), onMissed(load)]
    return () => {
      for (const stop of stops) stop()
    }
  }, [])
  if (status === null) return null
  const inspected = pasted?.inspected ?? status.scanned
  const look = async () => {
    const result = await call('enrolment.inspect', { code: typed })
    setError(result.ok ? null : result.error)
    setRefused(null)
    if (result.ok) setPasted({ code: typed, inspected: result.value })
  }
  const enrol = async (fingerprint: string) => {
    setBusy(true)
    const result = await call('enrolment.enrol', { code: pasted?.code ?? null, fingerprint })
    setBusy(false)
    setError(result.ok ? null : result.error)
    if (!result.ok) return
    setRefused(result.value.outcome === 'refused' ? result.value : null)
    if (result.value.outcome === 'refused') return
    setPasted(null)
    setTyped('')
  }
  const leave = async () => {
    const result = await call('enrolment.leave', {})
    setError(result.ok ? null : result.error)
    if (result.ok) setStatus(result.value)
  }
  const refusal = refused ?? (inspected?.outcome === 'refused' ? inspected : null)
  return (
    <section className="panel site" aria-labelledby="site-settings">
      <h2 id="site-settings">{t('settings.site.title')}</h2>
      {status.site === null ? (
        <p className="hint">{t('settings.site.none')}</p>
      ) : (
        <Enrolled site={status.site} toldAt={status.toldAt} />
      )}
      {status.site !== null && isRefused && <Note tone="stop" text={t('settings.site.revoked')} />}
      <form
        className="row row-field"
        onSubmit={(event) => {
          event.preventDefault()
          void look()
        }}
      >
        <Field
          label={t('settings.site.code')}
          hint={t('settings.site.code_hint')}
          value={typed}
          onChange={setTyped}
          maxLength={4_096}
          code
        />
        <Button type="submit" isDisabled={typed.trim() === ''}>
          {t('settings.site.look')}
        </Button>
      </form>
      {inspected?.outcome === 'code' && (
        <Confirm code={inspected} busy={busy} onConfirm={() => void enrol(inspected.fingerprint)} />
      )}
      {refusal !== null && (
        <Note tone="stop" text={t(`settings.site.refused.${refusal.reason satisfies EnrolmentRefusal}`)} />
      )}
      {error !== null && <ErrorNote error={error} />}
      {status.site !== null && (
        <div className="row">
          <Button onPress={() => void call('enrolment.refresh', {})}>{t('settings.site.tell')}</Button>
          <Button onPress={() => void leave()}>{t('settings.site.leave')}</Button>
        </div>
      )}
    </section>
  )
}

function Enrolled({ site, toldAt }: { readonly site: EnrolledSite; readonly toldAt: string | null }) {
  const { t, i18n } = useTranslation()
  const now = useNow(5_000)
  return (
    <FactRows
      rows={[
        [t('settings.site.organization'), site.organization],
        [t('settings.site.label'), site.group === '' ? site.label : `${site.label} · ${site.group}`],
        [t('settings.site.address'), <code key="address">{site.url}</code>],
        [t('settings.site.fingerprint'), <code key="fingerprint">{site.fingerprint}</code>],
        [t('settings.site.since'), dateAndTime(site.enrolledAt, i18n.language)],
        [
          t('settings.site.told'),
          toldAt === null
            ? t('settings.site.never')
            : ago(Date.parse(toldAt), Math.max(now, Date.parse(toldAt)), i18n.language),
        ],
      ]}
    />
  )
}

/** What a person compares before the code is used. */
function Confirm(props: { readonly code: Code; readonly busy: boolean; readonly onConfirm: () => void }) {
  const { t, i18n } = useTranslation()
  const { code } = props
  return (
    <div className="site-confirm">
      <h3>{t(code.isKnown ? 'settings.site.confirm_known' : 'settings.site.confirm')}</h3>
      <p className="site-fingerprint">
        <span>{t('settings.site.fingerprint')}</span>
        <code>{code.fingerprint}</code>
      </p>
      <FactRows
        rows={[
          [t('settings.site.address'), <code key="address">{code.url}</code>],
          [t('settings.site.label'), code.group === '' ? code.label : `${code.label} · ${code.group}`],
          [t('settings.site.until'), dateAndTime(code.expiresAt, i18n.language)],
        ]}
      />
      {!code.isKnown && <p className="hint">{t('settings.site.compare')}</p>}
      <Button kind="primary" large isDisabled={props.busy} onPress={props.onConfirm}>
        {t(props.busy ? 'settings.site.asking' : 'settings.site.yes')}
      </Button>
    </div>
  )
}
