import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePendingScans } from '../client/scans.ts'
import { useStation } from '../client/state.ts'
import { DevicesScreen } from '../features/devices/DevicesScreen.tsx'
import { GateScreen } from '../features/gate/GateScreen.tsx'
import { QueueScreen } from '../features/queue/QueueScreen.tsx'
import { PendingScans } from '../features/scan/PendingScans.tsx'
import { StrangeBurstNote } from '../features/scan/StrangeBurstNote.tsx'
import { ScanScreen } from '../features/scan/ScanScreen.tsx'
import { ProductsScreen } from '../features/products/ProductsScreen.tsx'
import { ReviewScreen } from '../features/review/ReviewScreen.tsx'
import { SessionsScreen } from '../features/sessions/SessionsScreen.tsx'
import { FirstUse } from '../features/staff/FirstUse.tsx'
import { StaffMenu } from '../features/staff/StaffMenu.tsx'
import { StaffDoor } from '../features/staff/StaffDoor.tsx'
import { ShootScreen } from '../features/shoot/ShootScreen.tsx'
import { Key } from '../ui/Button.tsx'
import { useShortcut } from '../ui/shortcuts.ts'
import { RailIcon, Mark } from './icons.tsx'
import { screens } from './screens.ts'
import { SettingsPages } from './SettingsPages.tsx'
import type { ScreenName } from './screens.ts'
import { StatusStrip } from './StatusStrip.tsx'

const content = {
  scan: ScanScreen,
  queue: QueueScreen,
  sessions: SessionsScreen,
  review: ReviewScreen,
  shoot: ShootScreen,
  products: ProductsScreen,
  devices: DevicesScreen,
  settings: SettingsPages,
  gate: GateScreen,
} as const

/** Rail, strip and work: the same frame around every screen. */
export function Shell() {
  const { t } = useTranslation()
  const [chosen, setChosen] = useState<ScreenName | null>(readPlace)
  const setCurrent = (name: ScreenName) => {
    setChosen(name)
    window.sessionStorage.setItem(placeKey, name)
  }
  // The staff of a gate starts with it.
  const gate = useStation((state) => state.settings?.gate)
  const current = chosen ?? (gate?.isOn === true ? 'gate' : 'scan')
  const loaded = useStation((state) => state.loaded && state.settings !== null)
  const parked = useStation((state) => state.status?.queue.parked ?? 0)
  const troubled = usePendingScans().length > 0
  // The work of a session fills the screen, and has both alarms in its own place.
  const isWorking = useStation((state) => state.session !== null) && current === 'scan'
  // Visitors alone at a gate see nothing but the gate.
  const isAlone = gate?.isOn === true && gate.mode === 'self'
  const Screen = content[current]
  if (isAlone && loaded) {
    return (
      <main className="work work-alone">
        <GateScreen />
        <StaffMenu />
        <StaffDoor />
      </main>
    )
  }
  return (
    <div className="shell">
      <nav className="rail" aria-label={t('rail.label')}>
        <Mark />
        {screens.map((name, index) => (
          <RailEntry
            key={name}
            name={name}
            shortcut={`Alt ${index + 1}`}
            isCurrent={name === current}
            onOpen={() => setCurrent(name)}
            badge={name === 'queue' ? parked : 0}
          />
        ))}
      </nav>
      <StatusStrip onOpenDevices={() => setCurrent('devices')} />
      <main className={`work work-${current}`}>
        {!isWorking && <StrangeBurstNote />}
        {loaded && !isWorking && <FirstUse isAlways={current === 'settings'} />}
        {current !== 'scan' && troubled && <PendingScans />}
        {loaded ? <Screen /> : <p className="loading">{t('app.loading')}</p>}
      </main>
      <StaffMenu />
      <StaffDoor />
    </div>
  )
}

/** A window that is loaded again after a fault goes on where it was. */
const placeKey = 'capstan.screen'

function readPlace(): ScreenName | null {
  const kept = window.sessionStorage.getItem(placeKey)
  return screens.find((name) => name === kept) ?? null
}

function RailEntry(props: {
  readonly name: ScreenName
  readonly shortcut: string
  readonly isCurrent: boolean
  readonly onOpen: () => void
  readonly badge: number
}) {
  const { name, shortcut, isCurrent, onOpen, badge } = props
  const { t } = useTranslation()
  useShortcut(shortcut, onOpen)
  return (
    <button
      type="button"
      className="rail-entry"
      aria-current={isCurrent ? 'page' : undefined}
      aria-keyshortcuts={shortcut.replace(' ', '+')}
      onClick={onOpen}
    >
      <RailIcon name={name} />
      <span>{t(`rail.${name}`)}</span>
      {badge > 0 && (
        <span className="rail-badge" aria-label={t('strip.parked', { count: badge })}>
          {badge}
        </span>
      )}
      <Key name={shortcut} />
    </button>
  )
}
