import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { DeviceDetails } from '#contract/station/device.ts'
import { windowDevices } from '#contract/station/device.ts'
import { useNow } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { deviceTones } from '../../ui/device-view.ts'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Figure } from '../../ui/Figure.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { ago } from '../../ui/time.ts'
import { DeviceSettings } from './DeviceSettings.tsx'
import { Latency } from './Latency.tsx'
import { ReadView } from './ReadView.tsx'

/** One device: its state with the next step, its last read, its figures, its settings. */
export function DeviceDetail({
  device,
  onForgotten,
}: {
  readonly device: DeviceDetails
  readonly onForgotten: () => void
}) {
  const { t } = useTranslation()
  const { name, state, advice, permission, counts, latency, last, errors } = device
  return (
    <section className="device" aria-label={name}>
      <section className="panel">
        <header className="device-head">
          <StateShape tone={deviceTones[state]} size={56} />
          <div>
            <h2>{name}</h2>
            <p>
              <b>{t(`strip.device.${state}`)}</b>
              {advice !== '' && permission === null && <> · {advice}</>}
              {advice === '' && <> · {t(`devices.state.${state}`)}</>}
            </p>
          </div>
        </header>
        {permission !== null && <Permission permission={permission} />}
        {device.facts?.road === 'window' && <p className="hint">{t('devices.types')}</p>}
        {device.id === windowDevices.wedge && <p className="hint">{t('devices.wedge')}</p>}
        <Actions device={device} onForgotten={onForgotten} />
        <Identity device={device} />
      </section>
      <section className="panel">
        <h2>{t('devices.last')}</h2>
        {last === null ? <p className="hint">{t('devices.last_none')}</p> : <ReadView read={last} />}
      </section>
      <section className="panel">
        <h2>{t('devices.figures')}</h2>
        <dl className="figures">
          <Figure name={t('devices.count.reads')} value={counts.reads} strong />
          <Figure name={t('devices.count.saved')} value={counts.saved} />
          <Figure
            name={t('devices.count.notSaved')}
            value={counts.notSaved}
            {...(counts.notSaved > 0 && { tone: 'stop' })}
          />
          {(['stale', 'strange', 'torn', 'ends'] as const).map((key) => (
            <Figure key={key} name={t(`devices.count.${key}`)} value={counts[key]} />
          ))}
          <Figure name={t('devices.count.perMinute')} value={device.perMinute} />
        </dl>
        {latency !== null && <Latency latency={latency} />}
        {errors.length > 0 && <Errors errors={errors} />}
      </section>
      {device.kind !== 'camera' && device.kind !== 'stdin' && <DeviceSettings device={device} />}
    </section>
  )
}

/** The rule to install, whole, for whoever has the right to. */
function Permission({ permission }: { readonly permission: NonNullable<DeviceDetails['permission']> }) {
  const { t } = useTranslation()
  const steps = `sudo tee -a ${permission.path} <<'RULES'\n${permission.rule}\nRULES\nsudo udevadm control --reload && sudo udevadm trigger`
  return (
    <div className="note note-block" data-tone="stop">
      <p>{t('devices.permission.lead')}</p>
      <pre tabIndex={0}>sudo capstan doctor --fix</pre>
      <p>{t('devices.permission.by_hand', { path: permission.path })}</p>
      <pre tabIndex={0}>{steps}</pre>
      <p>{t('devices.permission.then')}</p>
    </div>
  )
}

function Actions({ device, onForgotten }: { readonly device: DeviceDetails; readonly onForgotten: () => void }) {
  const { t } = useTranslation()
  const [error, setError] = useState<AppError | null>(null)
  const { id, signals, state, isKept } = device
  const signal = (which: 'good' | 'bad') =>
    void call('device.feedback', { id, signal: which }).then((result) => setError(result.ok ? null : result.error))
  const forget = () =>
    void call('device.forget', { id }).then((result) => {
      setError(result.ok ? null : result.error)
      onForgotten()
    })
  const canForget = isKept || state === 'unplugged'
  if (signals.length === 0 && !canForget) return null
  return (
    <div className="row">
      {signals.map((which) => (
        <Button key={which} onPress={() => signal(which)}>
          {t(`devices.signal.${which}`)}
        </Button>
      ))}
      {canForget && <Button onPress={forget}>{t(state === 'unplugged' ? 'devices.forget' : 'devices.reset')}</Button>}
      {error !== null && <ErrorNote error={error} />}
    </div>
  )
}

function Identity({ device }: { readonly device: DeviceDetails }) {
  const { t } = useTranslation()
  const { facts, id } = device
  const hex = (value: number) => value.toString(16).padStart(4, '0')
  const rows: readonly (readonly [string, string])[] =
    facts === null
      ? []
      : [
          [t('devices.fact.maker'), [facts.maker, facts.product].filter((part) => part !== '').join(' ')],
          [
            t('devices.fact.usb'),
            facts.vendorId === null || facts.productId === null ? '' : `${hex(facts.vendorId)}:${hex(facts.productId)}`,
          ],
          [t('devices.fact.class'), facts.road === 'none' ? '' : t(`devices.class.${facts.class}`)],
          [t('devices.fact.road'), facts.road === 'none' ? '' : t(`devices.road.${facts.road}`)],
          [t('devices.fact.serial'), facts.serial],
          [t('devices.fact.port'), facts.port],
          [t('devices.fact.known_by'), t(facts.serial === '' ? 'devices.fact.by_port' : 'devices.fact.by_serial')],
        ]
  return (
    <dl className="facts">
      {rows
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      <div>
        <dt>{t('devices.fact.id')}</dt>
        <dd className="code">{id}</dd>
      </div>
    </dl>
  )
}

function Errors({ errors }: { readonly errors: DeviceDetails['errors'] }) {
  const { t, i18n } = useTranslation()
  const now = useNow(5_000)
  return (
    <div className="device-errors">
      <h3>{t('devices.errors')}</h3>
      <ol>
        {errors.map(({ at, code, detail }, index) => (
          <li key={`${at} ${index}`}>
            <time dateTime={at}>{ago(Date.parse(at), now, i18n.language)}</time>
            <span>
              <b>{t(`devices.error.${code}`)}</b>
              {detail !== '' && <q>{detail}</q>}
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}
