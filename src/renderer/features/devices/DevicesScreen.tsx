import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { DeviceDetails } from '#contract/station/device.ts'
import { useDevices, useReads } from '../../client/devices.ts'
import { useNow, useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { deviceTones } from '../../ui/device-view.ts'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { ago } from '../../ui/time.ts'
import { DeviceDetail } from './DeviceDetail.tsx'
import { Pairing } from './Pairing.tsx'
import { ReadView } from './ReadView.tsx'
import { AllScanners, Roads } from './AllScanners.tsx'

/** Every device of the station: how it is, what it reads, and how it is to be read. */
export function DevicesScreen() {
  const { t } = useTranslation()
  const { list, reload } = useDevices()
  const test = useStation((state) => state.status?.test ?? null)
  const pairing = useStation((state) => state.status?.pairing ?? null)
  const [chosen, setChosen] = useState<string | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const isTesting = test !== null

  // Nobody sees the reads of a test whose screen was left: from then on they are captured again.
  useEffect(
    () => () => {
      const { status } = useStation.getState()
      if (status?.test) void call('device.test', { on: false })
      if (status?.pairing) void call('device.pair', { on: false })
    },
    [],
  )

  const ask = (name: 'device.test' | 'device.pair', on: boolean) =>
    void call(name, { on }).then((result) => {
      setError(result.ok ? null : result.error)
      if (result.ok) useStation.setState({ status: result.value })
    })
  if (list === null) return <p className="loading">{t('app.loading')}</p>
  const { devices } = list
  const shown = devices.find(({ id }) => id === chosen) ?? devices[0]
  return (
    <section className="page page-wide">
      <header className="page-head">
        <h1>{t('devices.title')}</h1>
        <div className="row">
          <Button kind={isTesting ? 'primary' : 'plain'} onPress={() => ask('device.test', !isTesting)}>
            {t(isTesting ? 'devices.test.stop' : 'devices.test.start')}
          </Button>
          <Button kind={pairing === null ? 'primary' : 'plain'} onPress={() => ask('device.pair', pairing === null)}>
            {t(pairing === null ? 'devices.pair.start' : 'devices.pair.stop')}
          </Button>
        </div>
      </header>
      {error !== null && <ErrorNote error={error} />}
      {pairing !== null && (
        <Pairing
          pairing={pairing}
          devices={devices}
          onDone={(id) => {
            ask('device.pair', false)
            if (id !== null) setChosen(id)
            reload()
          }}
        />
      )}
      {isTesting && <TestReads />}
      <div className="devices">
        <ul className="device-list" aria-label={t('devices.list')}>
          {devices.map((device) => (
            <li key={device.id}>
              <DeviceCard device={device} isCurrent={device.id === shown?.id} onChoose={() => setChosen(device.id)} />
            </li>
          ))}
          {devices.length === 0 && <li className="nothing">{t('devices.empty')}</li>}
        </ul>
        {shown !== undefined && <DeviceDetail key={shown.id} device={shown} onForgotten={reload} />}
      </div>
      <div className="devices-all">
        <AllScanners />
        <Roads list={list} />
      </div>
    </section>
  )
}

function DeviceCard(props: {
  readonly device: DeviceDetails
  readonly isCurrent: boolean
  readonly onChoose: () => void
}) {
  const { device, isCurrent, onChoose } = props
  const { t, i18n } = useTranslation()
  const now = useNow(5_000)
  const { name, state, role, place, perMinute, lastScanAt, facts } = device
  return (
    <button type="button" className="device-card" aria-current={isCurrent ? 'true' : undefined} onClick={onChoose}>
      <StateShape tone={deviceTones[state]} size={36} />
      <span className="device-card-what">
        <strong>{name}</strong>
        <span>
          <b>{t(`strip.device.${state}`)}</b>
          {facts !== null && facts.road !== 'none' && <> · {t(`devices.class.${facts.class}`)}</>}
          {device.isKept && <> · {t(`devices.role.${role}`)}</>}
          {place !== '' && <> · {place}</>}
        </span>
      </span>
      <span className="device-card-rate">
        {perMinute > 0
          ? t('devices.per_minute', { count: perMinute })
          : lastScanAt === null
            ? t('devices.no_read')
            : ago(Date.parse(lastScanAt), now, i18n.language)}
      </span>
    </button>
  )
}

/** What is read while the test runs, newest first; none of it is saved. */
function TestReads() {
  const { t } = useTranslation()
  const reads = useReads(true)
  return (
    <section className="panel" aria-label={t('devices.test.reads')}>
      <h2>{t('devices.test.reads')}</h2>
      {reads.length === 0 ? (
        <p className="hint">{t('devices.test.waiting')}</p>
      ) : (
        <ol className="test-reads">
          {reads.map((read) => (
            <li key={read.number}>
              <ReadView read={read} withName />
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
