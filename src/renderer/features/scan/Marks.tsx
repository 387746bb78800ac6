import { useTranslation } from 'react-i18next'
import type { Capture } from '#contract/station/capture.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { timeOfDay } from '../../ui/time.ts'

/** The further codes that were read of an item; nothing where there are none. */
export function Marks({ capture }: { readonly capture: Capture }) {
  const { t, i18n } = useTranslation()
  const others = capture.marks.filter(({ raw }) => raw !== capture.raw)
  if (others.length === 0) return null
  const title = t('scan.marks', { count: others.length })
  return (
    <div>
      <p className="hint">{title}</p>
      <ul className="marks" aria-label={title}>
        {others.map(({ raw, elements, symbology, addOn, readAt }) => (
          <li key={raw}>
            <CodeText raw={raw} elements={elements} />
            <span className="marks-what">
              {symbology !== 'unknown' && `${t(`symbology.${symbology}`)} · `}
              {addOn !== null && `${t('scan.last.add_on')} ${addOn} · `}
              <time dateTime={readAt}>{timeOfDay(readAt, i18n.language)}</time>
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}
