import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import type { Device, StationStatus } from '#contract/station/status.ts'
import { useNow, useStation } from '../client/state.ts'
import { call } from '../client/station.ts'
import { Button } from '../ui/Button.tsx'
import { deviceTones } from '../ui/device-view.ts'
import { isAudible, onAudible } from '../ui/sounds.ts'
import { StateShape } from '../ui/StateShape.tsx'
import { ago, duration, timeOfDay } from '../ui/time.ts'

/**
 * What is always on screen: name, server and the age of its last answer, devices, what waits, and the clock.
 *
 * While the station is lost, what it said before is not shown as if it still held.
 */
export function StatusStrip({ onOpenDevices }: { readonly onOpenDevices: () => void }) {
  const { t, i18n } = useTranslation()
  // Before the first answers the work area says that the station is being asked.
  const lost = useStation((state) => state.loaded && !state.connected)
  const status = useStation((state) => state.status)
  const settings = useStation((state) => state.settings)
  // Not each second: a station that nobody touches leaves its processor alone.
  const now = useNow(5_000)
  const audible = useSyncExternalStore(onAudible, isAudible)
  return (
    <header className="strip" aria-label={t('strip.label')}>
      {lost && (
        <p className="strip-alarm" data-tone="stop" role="alert">
          <StateShape tone="stop" size={28} />
          {t('strip.disconnected')}
        </p>
      )}
      {status !== null && <StorageAlarm storage={status.storage} />}
      {status !== null && <ClockAlarm clock={status.clock} now={now} />}
      {status !== null && <Disagreements disagreements={status.disagreements} />}
      {status?.test && <TestMark until={status.test.until} now={now} />}
      <div className="strip-line">
        <strong className="strip-name">{settings?.stationName ?? status?.stationName ?? t('app.name')}</strong>
        {status !== null && !lost && <Backend backend={status.backend} now={now} />}
        {status !== null && !lost && <Queue queue={status.queue} />}
        {status !== null && !lost && <Devices devices={status.devices} onOpen={onOpenDevices} />}
        <span className="strip-end">
          {settings?.sound.enabled === false && <span className="strip-item strip-mark">{t('strip.muted')}</span>}
          {settings?.sound.enabled === true && !audible && (
            <span className="strip-item strip-mark">{t('strip.locked')}</span>
          )}
          <time className="strip-clock">{timeOfDay(now, i18n.language, false)}</time>
        </span>
      </div>
    </header>
  )
}

const backendTones = { online: 'ok', offline: 'attention', unauthorised: 'stop', unconfigured: 'info' } as const

function Backend({ backend, now }: { readonly backend: StationStatus['backend']; readonly now: number }) {
  const { t, i18n } = useTranslation()
  const age =
    backend.state === 'unconfigured'
      ? t('strip.unconfigured_age')
      : backend.lastContactAt === null
        ? t('strip.never')
        : t(backend.state === 'online' ? 'strip.online_age' : 'strip.offline_age', {
            ago: ago(Date.parse(backend.lastContactAt), now, i18n.language),
          })
  return (
    <span className="strip-item" data-backend={backend.state}>
      <StateShape tone={backendTones[backend.state]} size={22} />
      <b>{t(`strip.${backend.state}`)}</b>
      <span className="strip-age">{age}</span>
    </span>
  )
}

function Queue({ queue }: { readonly queue: StationStatus['queue'] }) {
  const { t } = useTranslation()
  return (
    <>
      <span className="strip-item">
        <StateShape tone={queue.waiting > 0 ? 'waiting' : 'ok'} size={22} />
        {queue.waiting > 0 ? t('strip.waiting', { count: queue.waiting }) : t('strip.synced')}
      </span>
      {queue.parked > 0 && (
        <span className="strip-item">
          <StateShape tone="stop" size={22} />
          {t('strip.parked', { count: queue.parked })}
        </span>
      )}
    </>
  )
}

/** The worst first: what stops work, what asks for a hand, what will be ready by itself. */
const deviceRanks: readonly Device['state'][] = [
  'failed',
  'refused',
  'busy',
  'unplugged',
  'opening',
  'detected',
  'ready',
]

/** All devices in one place, the worst by name; it opens their screen. */
function Devices({ devices, onOpen }: { readonly devices: readonly Device[]; readonly onOpen: () => void }) {
  const { t } = useTranslation()
  const rank = ({ state }: Device) => deviceRanks.indexOf(state)
  const [worst] = devices.toSorted((one, other) => rank(one) - rank(other))
  if (worst === undefined) return <span className="strip-item">{t('strip.no_devices')}</span>
  const ready = devices.filter(({ state }) => state === 'ready').length
  const isReady = ready === devices.length
  return (
    <button type="button" className="strip-item strip-devices" title={worst.advice} onClick={onOpen}>
      <StateShape tone={deviceTones[worst.state]} size={22} />
      {isReady && devices.length <= 2 ? (
        <>
          <span className="strip-device">{devices.map(({ name }) => name).join(' · ')}</span>
          <span className="visually-hidden">{t('strip.device.ready')}</span>
        </>
      ) : (
        <span>{t(isReady ? 'strip.devices_ready' : 'strip.devices_some', { ready, count: devices.length })}</span>
      )}
      {!isReady && (
        <>
          <span className="strip-device">{worst.name}</span>
          <b>{t(`strip.device.${worst.state}`)}</b>
        </>
      )}
    </button>
  )
}

function StorageAlarm({ storage }: { readonly storage: StationStatus['storage'] }) {
  const { t } = useTranslation()
  const { state, arePhotosStopped, isDamaged, recovered } = storage
  return (
    <>
      {state !== 'ok' && (
        <p className="strip-alarm" data-tone={state === 'full' ? 'stop' : 'attention'} role="alert">
          <StateShape tone={state === 'full' ? 'stop' : 'attention'} size={28} />
          {t(`strip.storage_${state}`)}
        </p>
      )}
      {arePhotosStopped && (
        <p className="strip-alarm" data-tone="attention" role="alert">
          <StateShape tone="attention" size={28} />
          {t('strip.photos_full')}
        </p>
      )}
      {isDamaged && (
        <p className="strip-alarm" data-tone="stop" role="alert">
          <StateShape tone="stop" size={28} />
          {t('strip.damaged')}
        </p>
      )}
      {recovered !== null && (
        <p className="strip-alarm" data-tone="attention">
          <StateShape tone="attention" size={28} />
          {t('strip.recovered', { count: recovered.captures, file: recovered.setAsideAs })}
        </p>
      )}
    </>
  )
}

/** How long a clock that was set is told of. */
const jumpShownMs = 10 * 60_000

/** A clock that is surely wrong, or that somebody has just set. */
function ClockAlarm({ clock, now }: { readonly clock: StationStatus['clock']; readonly now: number }) {
  const { t, i18n } = useTranslation()
  const { state, error, jumped } = clock
  const alarms: string[] = []
  if (state === 'wrong' && error !== null) {
    const by = Math.abs((error.leastMs + error.mostMs) / 2)
    alarms.push(t('strip.clock_wrong', { by: duration(by, i18n.language) }))
  }
  if (jumped !== null && Math.abs(now - Date.parse(jumped.at)) < jumpShownMs) {
    alarms.push(
      t(jumped.byMs > 0 ? 'strip.clock_jumped_ahead' : 'strip.clock_jumped_back', {
        by: duration(Math.abs(jumped.byMs), i18n.language),
        at: timeOfDay(jumped.at, i18n.language),
      }),
    )
  }
  return alarms.map((alarm) => (
    <p key={alarm} className="strip-alarm" data-tone="attention" role="alert">
      <StateShape tone="attention" size={28} />
      {alarm}
    </p>
  ))
}

/** Device events and answers that do not add up; it stays until somebody has looked. */
function Disagreements({ disagreements }: { readonly disagreements: StationStatus['disagreements'] }) {
  const { t, i18n } = useTranslation()
  const acknowledge = (id: string) =>
    void call('device.acknowledge', { id }).then((result) => {
      if (result.ok) useStation.setState({ status: result.value })
    })
  return disagreements.map(({ id, at, deviceName, events, answers }) => (
    <div key={id} className="strip-alarm" data-tone="stop" role="alert">
      <StateShape tone="stop" size={28} />
      <p>
        {t(events > answers ? 'strip.disagreement.missing' : 'strip.disagreement.other', {
          name: deviceName,
          events,
          answers,
          count: Math.abs(events - answers),
          at: timeOfDay(at, i18n.language),
        })}
      </p>
      <Button onPress={() => acknowledge(id)}>{t('strip.disagreement.seen')}</Button>
    </div>
  ))
}

/** Whoever stands before any screen must know that nothing is saved now. */
function TestMark({ until, now }: { readonly until: string; readonly now: number }) {
  const { t, i18n } = useTranslation()
  const end = () =>
    void call('device.test', { on: false }).then((result) => {
      if (result.ok) useStation.setState({ status: result.value })
    })
  return (
    <div className="strip-alarm" data-tone="attention">
      <StateShape tone="attention" size={28} />
      <output>{t('strip.test')}</output>
      <span className="strip-left">
        {t('strip.test_left', { time: duration(Math.max(0, Date.parse(until) - now), i18n.language) })}
      </span>
      <Button onPress={end}>{t('strip.test_end')}</Button>
    </div>
  )
}
