import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { GateSettings } from '#contract/station/gate.ts'
import { useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { Choices, Field } from '../../ui/Fields.tsx'
import { Desk } from './Desk.tsx'
import { Face } from './Face.tsx'
import { GateEntry } from './GateEntry.tsx'
import { Spoken } from './Spoken.tsx'
import { useGateState, useGateStatus } from './use-gate.ts'
import { Visitor } from './Visitor.tsx'
import type { GateStatus } from '#contract/station/gate.ts'
import './gate.css'

/** The gate face: set up, and then the verdict for whoever stands there, with the staff's desk beside it. */
export function GateScreen() {
  const { t } = useTranslation()
  const status = useGateStatus()
  const settings = useStation((state) => state.settings?.gate)
  if (status === null || settings === undefined) return <p className="loading">{t('app.loading')}</p>
  return settings.isOn ? <OpenGate status={status} settings={settings} /> : <GateStart settings={settings} />
}

function OpenGate({ status, settings }: { readonly status: GateStatus; readonly settings: GateSettings }) {
  const { state, dispatch } = useGateState(status)
  const isStaffed = settings.mode === 'staffed'
  return (
    <div className={`gate filling gate-${settings.mode}`}>
      <Visitor languages={settings.languages} isAway={state.view.name === 'attract'}>
        <Face view={state.view} status={status} isTouchable={!isStaffed} />
        {settings.speech && <Spoken view={state.view} />}
        {!isStaffed && <GateEntry status={status} settings={settings} dispatch={dispatch} />}
      </Visitor>
      {isStaffed && <Desk status={status} settings={settings} dispatch={dispatch} />}
    </div>
  )
}

/** Makes this station a gate. */
function GateStart({ settings }: { readonly settings: GateSettings }) {
  const { t } = useTranslation()
  const [name, setName] = useState(settings.name)
  const [mode, setMode] = useState(settings.mode)
  const open = () => void call('settings.change', { gate: { ...settings, name: name.trim(), mode, isOn: true } })
  return (
    <form
      className="gate-start"
      onSubmit={(event) => {
        event.preventDefault()
        if (name.trim() !== '') open()
      }}
    >
      <h1>{t('gate.start.title')}</h1>
      <p className="gate-lead">{t('gate.start.about')}</p>
      <Field
        label={t('gate.start.name')}
        hint={t('gate.start.name_hint')}
        value={name}
        onChange={setName}
        maxLength={100}
      />
      <Choices
        label={t('gate.start.mode')}
        look="cards"
        value={mode}
        onChange={setMode}
        choices={[
          { value: 'self', label: t('gate.start.self'), explanation: t('gate.start.self_about') },
          { value: 'staffed', label: t('gate.start.staffed'), explanation: t('gate.start.staffed_about') },
        ]}
      />
      <Button type="submit" kind="primary" large isDisabled={name.trim() === ''}>
        {t('gate.start.open')}
      </Button>
    </form>
  )
}
