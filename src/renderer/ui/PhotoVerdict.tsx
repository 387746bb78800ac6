import { useTranslation } from 'react-i18next'
import type { PhotoQuality } from '#contract/station/photo-quality.ts'
import { StateShape } from './StateShape.tsx'

const tones = { good: 'ok', check: 'attention', retake: 'stop' } as const

/** How fit a photo is to be read from: a word, a shape, and for each thing that is wrong what to do about it. */
export function PhotoVerdict({ quality }: { readonly quality: PhotoQuality }) {
  const { t } = useTranslation()
  const { verdict, faults, legibility, improves } = quality
  const tone = tones[verdict]
  return (
    <output className="note photo-verdict" data-tone={tone}>
      <StateShape tone={tone} size={24} />
      <div>
        <p>{t(`photo.verdict.${verdict}`)}</p>
        {(faults.length > 0 || improves !== null) && (
          <ul>
            {faults.map((fault) => (
              <li key={fault}>{t(`photo.fault.${fault}`)}</li>
            ))}
            {improves !== null && <li>{t('photo.improves')}</li>}
          </ul>
        )}
        {legibility !== null && (
          <p className="photo-legibility">{t('photo.legibility', { percent: Math.round(legibility * 100) })}</p>
        )}
      </div>
    </output>
  )
}
