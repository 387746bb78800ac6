import { useTranslation } from 'react-i18next'
import type { GateSettings, GateStatus } from '#contract/station/gate.ts'
import { useStation } from '../../client/state.ts'
import { Face } from './Face.tsx'
import { useGateState, useGateStatus } from './use-gate.ts'
import { Visitor } from './Visitor.tsx'
import './gate.css'

/** A second window for whoever stands before the gate: it follows the same station. */
export function VisitorScreen() {
  const { t } = useTranslation()
  const status = useGateStatus()
  const settings = useStation((state) => state.settings?.gate)
  if (status === null || settings === undefined) return <p className="loading">{t('app.loading')}</p>
  return <Display status={status} settings={settings} />
}

function Display({ status, settings }: { readonly status: GateStatus; readonly settings: GateSettings }) {
  const { state } = useGateState(status, { isSilent: true })
  const view = settings.isOn ? state.view : ({ name: 'out_of_order' } as const)
  return (
    <main className="gate gate-visitor">
      <Visitor languages={settings.languages} isAway={view.name === 'attract'}>
        <Face view={view} status={status} />
      </Visitor>
    </main>
  )
}
