import { useTranslation } from 'react-i18next'
import { tellStrangeBurst, useStrangeBurst } from '../../client/strange-burst.ts'
import { Button } from '../../ui/Button.tsx'
import { StateShape } from '../../ui/StateShape.tsx'

/** The alarm for a scan that could not be told from its keys: it was not saved, and why. */
export function StrangeBurstNote() {
  const { t } = useTranslation()
  const burst = useStrangeBurst((state) => state.burst)
  if (burst === null) return null
  const { reason, length, keyName = '' } = burst
  return (
    <section className="pending" data-tone="stop" role="alert">
      <h2>
        <StateShape tone="stop" size={40} />
        {t('scan.strange.title')}
      </h2>
      <ul>
        <li className="pending-row">
          <p>{t(`scan.strange.${reason}`, { keyName, length })}</p>
          <div className="row">
            <Button onPress={() => tellStrangeBurst(null)}>{t('scan.pending.dismiss')}</Button>
          </div>
        </li>
      </ul>
    </section>
  )
}
