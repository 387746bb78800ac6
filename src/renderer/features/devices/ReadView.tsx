import { useTranslation } from 'react-i18next'
import type { DeviceRead } from '#contract/station/device.ts'
import { readControlCode } from '#domain/control-code.ts'
import { readScan } from '#domain/scan.ts'
import type { Tone } from '../../ui/capture-view.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { hexLines } from '../../ui/device-view.ts'
import { ElementRows } from '../../ui/ElementRows.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { timeOfDay } from '../../ui/time.ts'

const tones: Readonly<Record<DeviceRead['outcome'], Tone>> = {
  saved: 'ok',
  repeated: 'ok',
  joined: 'ok',
  control: 'ok',
  sound: 'info',
  ignored: 'attention',
  rejected: 'attention',
  unsound: 'attention',
  not_saved: 'stop',
}

/** One read to the last byte: what came, what it means, and what became of it. */
export function ReadView({ read, withName = false }: { readonly read: DeviceRead; readonly withName?: boolean }) {
  const { t, i18n } = useTranslation()
  const { text, aim, symbology, hex, byteCount, outcome, answeredMs } = read
  const scan = readScan({ data: text, aim: aim ?? undefined, symbology }, { now: new Date(read.at) })
  const isControl = readControlCode(text).kind !== 'none'
  const cut = (byteCount ?? 0) - (hex?.length ?? 0) / 2
  const milliseconds = new Intl.NumberFormat(i18n.language, {
    style: 'unit',
    unit: 'millisecond',
    maximumFractionDigits: 1,
  })
  return (
    <article className="read" data-tone={tones[outcome]}>
      <p className="read-head">
        <StateShape tone={tones[outcome]} size={28} />
        <b>{t(`devices.outcome.${outcome}`)}</b>
        {withName && <span>{read.deviceName}</span>}
        <time dateTime={read.at}>{timeOfDay(read.at, i18n.language)}</time>
        {answeredMs !== null && <span>{t('devices.answered', { time: milliseconds.format(answeredMs) })}</span>}
      </p>
      <p className="read-code">
        <CodeText raw={scan.raw} elements={[...scan.elements]} />
      </p>
      <dl className="facts">
        {scan.symbologyIdentifier !== null && (
          <div>
            <dt>{t('devices.aim')}</dt>
            <dd className="code">{scan.symbologyIdentifier}</dd>
          </div>
        )}
        {scan.symbology !== 'unknown' && (
          <div>
            <dt>{t('scan.last.symbology')}</dt>
            <dd>{t(`symbology.${scan.symbology}`)}</dd>
          </div>
        )}
        {scan.addOn !== null && (
          <div>
            <dt>{t('scan.last.add_on')}</dt>
            <dd className="code">{scan.addOn}</dd>
          </div>
        )}
        {isControl && (
          <div>
            <dt>{t('devices.control')}</dt>
            <dd>{t('devices.control_is')}</dd>
          </div>
        )}
        <ElementRows elements={[...scan.elements]} />
      </dl>
      {[...(scan.error ? [scan.error] : []), ...scan.warnings].map(({ code, message }) => (
        <p key={code} className="hint">
          {t('devices.odd', { message })}
        </p>
      ))}
      {hex === null ? (
        <p className="hint">{t('devices.no_bytes')}</p>
      ) : (
        <table className="hex" aria-label={t('devices.bytes', { count: byteCount ?? 0 })}>
          <tbody>
            {hexLines(hex).map(({ place, bytes, text: shown }) => (
              <tr key={place}>
                <th scope="row">{place}</th>
                <td className="hex-bytes">{bytes}</td>
                <td>{shown}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {hex !== null && cut > 0 && <p className="hint">{t('devices.cut', { count: cut })}</p>}
    </article>
  )
}
