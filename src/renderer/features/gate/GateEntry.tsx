import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { GateSettings, GateStatus } from '#contract/station/gate.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { Field } from '../../ui/Fields.tsx'
import type { GateEvent } from './gate-view.ts'
import { useVisitor } from './Visitor.tsx'

export interface GateParts {
  readonly status: GateStatus
  readonly settings: GateSettings
  readonly dispatch: (event: GateEvent) => void
}

/** The foot of a gate without staff: the number on the pass typed by hand, and the way back for the staff. */
export function GateEntry(parts: GateParts) {
  const { t } = useVisitor()
  return (
    <footer className="gate-foot">
      <TypedPass {...parts} />
      <Close label={t('gate.staff')} />
    </footer>
  )
}

/** A value that is typed: nothing of it is cut off or changed. */
export function TypedPass({ dispatch }: GateParts) {
  const { t } = useVisitor()
  const [data, setData] = useState('')
  const submit = async () => {
    const typed = data
    setData('')
    dispatch({ kind: 'read' })
    const result = await call('gate.scan', { data: typed, source: 'manual' })
    if (!result.ok) dispatch({ kind: 'failed' })
  }
  return (
    <form
      className="gate-typed"
      onSubmit={(event) => {
        event.preventDefault()
        if (data !== '') void submit()
      }}
    >
      <Field label={t('gate.typed')} hideLabel code value={data} onChange={setData} maxLength={2_048} />
      <Button type="submit" isDisabled={data === ''}>
        {t('gate.check')}
      </Button>
    </form>
  )
}

/** Ends being a gate; asked twice, since a visitor may touch it. */
export function Close({ label }: { readonly label: string }) {
  const { t } = useTranslation()
  const [isAsked, setIsAsked] = useState(false)
  if (!isAsked) {
    return (
      <Button kind="bare" onPress={() => setIsAsked(true)}>
        {label}
      </Button>
    )
  }
  const close = () => void call('gate.close', {})
  return (
    <span className="gate-close">
      <Button kind="stop" onPress={close}>
        {t('gate.close')}
      </Button>
      <Button onPress={() => setIsAsked(false)}>{t('gate.keep_open')}</Button>
    </span>
  )
}
