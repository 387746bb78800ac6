import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { EntryAllowance } from '#contract/gate/pass.ts'
import type { GateRules } from '#contract/gate/rules.ts'
import type { AppError } from '#contract/result.ts'
import {
  gateSettingsSchema,
  visitorLanguages,
  type DoorSettings,
  type GateSettings,
  type GateStatus,
} from '#contract/station/gate.ts'
import { call, follow } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field, Select, Switch } from '../../ui/Fields.tsx'
import { canSay, onVoices } from '../../ui/speech.ts'
import { languageName } from '../../ui/language-name.ts'
import { duration } from '../../ui/time.ts'

const hourMs = 3_600_000

/** What the gate of this station is: saved as a whole, since half a rule would let in the wrong people. */
export function GateSettingsForm(props: {
  readonly gate: GateSettings
  readonly change: (fields: { readonly gate: GateSettings }) => void
}) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState<GateSettings | null>(null)
  const gate = draft ?? props.gate
  const set = (fields: Partial<GateSettings>) => setDraft({ ...gate, ...fields })
  const checked = gateSettingsSchema.safeParse(gate)
  const isSite = gate.road === 'site'
  return (
    <section className="panel" aria-labelledby="gate-settings">
      <h2 id="gate-settings">{t('settings.gate.title')}</h2>
      <form
        className="gate-settings"
        onSubmit={(event) => {
          event.preventDefault()
          if (!checked.success) return
          props.change({ gate: checked.data })
          setDraft(null)
        }}
      >
        <Field
          label={t('gate.start.name')}
          hint={t('gate.start.name_hint')}
          value={gate.name}
          onChange={(name) => set({ name })}
          maxLength={100}
          isRequired
        />
        <Choices
          label={t('gate.start.mode')}
          look="row"
          value={gate.mode}
          onChange={(mode) => set({ mode })}
          choices={[
            { value: 'self', label: t('gate.start.self') },
            { value: 'staffed', label: t('gate.start.staffed') },
          ]}
        />
        <Choices
          label={t('settings.gate.road')}
          look="cards"
          value={gate.road}
          onChange={(road) => set({ road })}
          choices={(['site', 'relay', 'direct'] as const).map((value) => ({
            value,
            label: t(`settings.gate.roads.${value}`),
            explanation: t(`settings.gate.roads.${value}_about`),
          }))}
        />
        {gate.road === 'direct' && (
          <>
            <Field
              label={t('settings.gate.wallet_url')}
              value={gate.wallet.url}
              onChange={(url) => set({ wallet: { ...gate.wallet, url } })}
              code
            />
            <Field
              label={t('settings.gate.tenant')}
              value={gate.wallet.tenantId}
              onChange={(tenantId) => set({ wallet: { ...gate.wallet, tenantId } })}
              code
            />
            <WalletKey />
          </>
        )}
        <Whole label={t('settings.gate.wait')} value={gate.waitMs} onChange={(waitMs) => set({ waitMs })} />
        <Whole
          label={t('settings.gate.show')}
          value={gate.showMs / 1_000}
          onChange={(seconds) => set({ showMs: seconds * 1_000 })}
        />
        <Whole
          label={t('settings.gate.idle')}
          value={gate.idleMs / 1_000}
          onChange={(seconds) => set({ idleMs: seconds * 1_000 })}
        />
        <fieldset className="gate-languages">
          <legend>{t('settings.gate.languages')}</legend>
          {visitorLanguages.map((language) => (
            <Switch
              key={language}
              label={languageName(language)}
              isSelected={gate.languages.includes(language)}
              onChange={(isOn) =>
                set({
                  languages: isOn
                    ? [...gate.languages, language]
                    : gate.languages.filter((other) => other !== language),
                })
              }
            />
          ))}
        </fieldset>
        <Speech gate={gate} set={set} />
        <Door gate={gate} set={set} />
        <h3>{t('settings.gate.rules')}</h3>
        <p className="hint">{isSite ? t('settings.gate.rules_of_site') : t('settings.gate.rules_own')}</p>
        <Rules rules={gate.rules} set={(rules) => set({ rules: { ...gate.rules, ...rules } })} />
        {!checked.success && (
          <p role="alert">{t('settings.gate.wrong', { where: checked.error.issues[0]?.path.join('.') ?? '' })}</p>
        )}
        <div className="row">
          <Button type="submit" kind="primary" isDisabled={draft === null || !checked.success}>
            {t('settings.save')}
          </Button>
          {draft !== null && <Button onPress={() => setDraft(null)}>{t('settings.gate.discard')}</Button>}
        </div>
      </form>
      {isSite && <PassList />}
    </section>
  )
}

/** The key of the direct road: it is kept among the station's secrets and never shown again. */
function WalletKey() {
  const { t } = useTranslation()
  const [secret, setSecret] = useState('')
  const [said, setSaid] = useState<AppError | 'kept' | null>(null)
  const keep = async () => {
    const result = await call('gate.key', { secret })
    if (result.ok) setSecret('')
    setSaid(result.ok ? 'kept' : result.error)
  }
  return (
    <div className="gate-key">
      <Field
        label={t('settings.gate.key')}
        hint={said === 'kept' ? t('settings.gate.key_kept') : t('settings.gate.key_hint')}
        value={secret}
        onChange={setSecret}
        maxLength={20_000}
        code
      />
      <Button isDisabled={secret.trim() === ''} onPress={() => void keep()}>
        {t('settings.gate.keep_key')}
      </Button>
      {said !== null && said !== 'kept' && <ErrorNote error={said} />}
    </div>
  )
}

/** The list of passes that this station decides by when it is cut off: how much of it, how old, and its end. */
function PassList() {
  const { t, i18n } = useTranslation()
  const [status, setStatus] = useState<GateStatus | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const [isAsked, setIsAsked] = useState(false)
  useEffect(() => {
    void call('gate.status', {}).then((result) => result.ok && setStatus(result.value))
    return follow('gate.changed', setStatus)
  }, [])
  const list = status?.list ?? null
  const ask = async (name: 'gate.refresh' | 'gate.wipe') => {
    setIsAsked(false)
    const result = await call(name, {})
    setError(result.ok ? null : result.error)
    if (result.ok) setStatus(result.value)
  }
  return (
    <section aria-labelledby="gate-list" className="gate-list">
      <h3 id="gate-list">{t('settings.gate.list.title')}</h3>
      <p className="hint">{t('settings.gate.list.about')}</p>
      <output>
        {list === null || (list.values === 0 && list.left === 0)
          ? t('settings.gate.list.none')
          : list.left > 0
            ? t('settings.gate.list.loading', { values: list.values, left: list.left })
            : t('settings.gate.list.values', { count: list.values })}
        {typeof list?.ageMs === 'number' &&
          ` ${t('settings.gate.list.age', { age: duration(list.ageMs, i18n.language) })}`}
        {list?.state === 'failed' && ` ${t('settings.gate.list.failed')}`}
      </output>
      <div className="row">
        <Button onPress={() => void ask('gate.refresh')}>{t('settings.gate.list.refresh')}</Button>
        {!isAsked && <Button onPress={() => setIsAsked(true)}>{t('settings.gate.list.wipe')}</Button>}
        {isAsked && (
          <>
            <Button kind="stop" onPress={() => void ask('gate.wipe')}>
              {t('settings.gate.list.wipe_now')}
            </Button>
            <Button onPress={() => setIsAsked(false)}>{t('settings.gate.list.keep')}</Button>
          </>
        )}
      </div>
      {error !== null && <ErrorNote error={error} />}
    </section>
  )
}

/** A whole number that is typed; what is none stays as it was. */
function Whole(props: { readonly label: string; readonly value: number; readonly onChange: (value: number) => void }) {
  return (
    <Field
      label={props.label}
      inputMode="numeric"
      maxLength={9}
      value={String(props.value)}
      onChange={(text) => {
        if (/^\d{0,9}$/.test(text)) props.onChange(Number(text))
      }}
    />
  )
}

/** A whole number, or nothing for no limit. */
function Limit(props: {
  readonly label: string
  readonly value: number | null
  readonly onChange: (value: number | null) => void
}) {
  const { t } = useTranslation()
  return (
    <Field
      label={props.label}
      hint={t('settings.gate.no_limit')}
      inputMode="numeric"
      maxLength={9}
      value={props.value === null ? '' : String(props.value)}
      onChange={(text) => {
        if (/^\d{0,9}$/.test(text)) props.onChange(text === '' ? null : Number(text))
      }}
    />
  )
}

/** Names, separated by commas. */
function Names(props: {
  readonly label: string
  readonly value: readonly string[]
  readonly onChange: (value: string[]) => void
}) {
  const { t } = useTranslation()
  const [text, setText] = useState(props.value.join(', '))
  return (
    <Field
      label={props.label}
      hint={t('settings.gate.names_hint')}
      value={text}
      onChange={(next) => {
        setText(next)
        const names = next.split(',').map((name) => name.trim())
        props.onChange(names.filter((name) => name !== ''))
      }}
    />
  )
}

/** Whether the verdict is said as well, and in which of the languages this machine can. */
function Speech({ gate, set }: { readonly gate: GateSettings; readonly set: (fields: Partial<GateSettings>) => void }) {
  const { t } = useTranslation()
  const [, setTurn] = useState(0)
  useEffect(() => onVoices(() => setTurn((before) => before + 1)), [])
  const silent = gate.languages.filter((language) => !canSay(language))
  return (
    <>
      <Switch label={t('settings.gate.speech')} isSelected={gate.speech} onChange={(speech) => set({ speech })} />
      <p className="hint">
        {silent.length === 0
          ? t('settings.gate.speech_all')
          : t('settings.gate.speech_silent', { languages: silent.map(languageName).join(', ') })}
      </p>
    </>
  )
}

function Door({ gate, set }: { readonly gate: GateSettings; readonly set: (fields: Partial<GateSettings>) => void }) {
  const { t } = useTranslation()
  const { door } = gate
  const kinds: Readonly<Record<DoorSettings['kind'], DoorSettings>> = {
    none: { kind: 'none' },
    serial: { kind: 'serial', path: '', baudRate: 9_600, open: 'a00101a2', close: 'a00100a1', passed: '' },
    http: { kind: 'http', openUrl: '', closeUrl: null, passedUrl: null },
  }
  return (
    <>
      <Choices
        label={t('settings.gate.door')}
        look="row"
        value={door.kind}
        onChange={(kind) => set({ door: kinds[kind] })}
        choices={(['none', 'serial', 'http'] as const).map((value) => ({
          value,
          label: t(`settings.gate.doors.${value}`),
        }))}
      />
      {door.kind === 'serial' && (
        <>
          <Field
            label={t('settings.gate.door_path')}
            value={door.path}
            onChange={(path) => set({ door: { ...door, path } })}
            placeholder="/dev/ttyUSB0"
            code
          />
          {(['open', 'close', 'passed'] as const).map((name) => (
            <Field
              key={name}
              label={t(`settings.gate.door_bytes.${name}`)}
              value={door[name]}
              onChange={(bytes) => set({ door: { ...door, [name]: bytes.toLowerCase() } })}
              code
            />
          ))}
        </>
      )}
      {door.kind === 'http' &&
        (['openUrl', 'closeUrl', 'passedUrl'] as const).map((name) => (
          <Field
            key={name}
            label={t(`settings.gate.door_urls.${name}`)}
            value={door[name] ?? ''}
            onChange={(url) => set({ door: { ...door, [name]: url === '' && name !== 'openUrl' ? null : url } })}
            code
          />
        ))}
      {door.kind !== 'none' && (
        <Whole
          label={t('settings.gate.pass_time')}
          value={gate.passMs / 1_000}
          onChange={(seconds) => set({ passMs: seconds * 1_000 })}
        />
      )}
    </>
  )
}

function Rules({ rules, set }: { readonly rules: GateRules; readonly set: (fields: Partial<GateRules>) => void }) {
  const { t } = useTranslation()
  const { entries, offline, antiPassback } = rules
  const allowances: Readonly<Record<EntryAllowance['kind'], EntryAllowance>> = {
    times: { kind: 'times', times: entries.kind === 'times' ? entries.times : 1 },
    daily: { kind: 'daily' },
    unlimited: { kind: 'unlimited' },
  }
  return (
    <>
      <Choices
        label={t('settings.gate.direction')}
        look="row"
        value={rules.direction}
        onChange={(direction) => set({ direction })}
        choices={(['entry', 'exit'] as const).map((value) => ({
          value,
          label: t(`settings.gate.directions.${value}`),
        }))}
      />
      <Select
        label={t('settings.gate.entries')}
        value={entries.kind}
        onChange={(kind) => set({ entries: allowances[kind] })}
        choices={(['times', 'daily', 'unlimited'] as const).map((value) => ({
          value,
          label: t(`settings.gate.allowances.${value}`),
        }))}
      />
      {entries.kind === 'times' && (
        <Whole
          label={t('settings.gate.times')}
          value={entries.times}
          onChange={(times) => set({ entries: { kind: 'times', times } })}
        />
      )}
      <Select
        label={t('settings.gate.reentry')}
        value={rules.reentry}
        onChange={(reentry) => set({ reentry })}
        choices={(['counts', 'free', 'never'] as const).map((value) => ({
          value,
          label: t(`settings.gate.reentries.${value}`),
        }))}
      />
      <Select
        label={t('settings.gate.passback')}
        value={antiPassback.kind}
        onChange={(kind) => set({ antiPassback: kind === 'for' ? { kind, durationMs: 10 * 60_000 } : { kind } })}
        choices={(['off', 'until_exit', 'for'] as const).map((value) => ({
          value,
          label: t(`settings.gate.passbacks.${value}`),
        }))}
      />
      <Limit label={t('settings.gate.capacity')} value={rules.capacity} onChange={(capacity) => set({ capacity })} />
      <Names
        label={t('settings.gate.pass_types')}
        value={rules.passTypes}
        onChange={(passTypes) => set({ passTypes })}
      />
      <Names
        label={t('settings.gate.only_lists')}
        value={rules.onlyLists}
        onChange={(onlyLists) => set({ onlyLists })}
      />
      <Names
        label={t('settings.gate.never_lists')}
        value={rules.neverLists}
        onChange={(neverLists) => set({ neverLists })}
      />
      <h3>{t('settings.gate.policy')}</h3>
      <p className="hint">{t('settings.gate.policy_hint')}</p>
      <Whole
        label={t('settings.gate.admit_hours')}
        value={Math.round(offline.standard.admitForMs / hourMs)}
        onChange={(hours) =>
          set({ offline: { ...offline, standard: { ...offline.standard, admitForMs: hours * hourMs } } })
        }
      />
      <Limit
        label={t('settings.gate.refer_hours')}
        value={offline.standard.referForMs === null ? null : Math.round(offline.standard.referForMs / hourMs)}
        onChange={(hours) =>
          set({
            offline: {
              ...offline,
              standard: { ...offline.standard, referForMs: hours === null ? null : hours * hourMs },
            },
          })
        }
      />
      <Select
        label={t('settings.gate.unknown')}
        value={offline.unknownPass}
        onChange={(unknownPass) => set({ offline: { ...offline, unknownPass } })}
        choices={(['refer', 'deny'] as const).map((value) => ({ value, label: t(`settings.gate.unknowns.${value}`) }))}
      />
    </>
  )
}
