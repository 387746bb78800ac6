import { useTranslation } from 'react-i18next'
import type { PhotoFault, PhotoQuality } from '#contract/station/photo-quality.ts'
import { StateShape } from './StateShape.tsx'

/** The figure is of size, sharpness and contrast: beside a reflection or a cut edge "98 % is legible" would belie what is said. */
const measured: readonly PhotoFault[] = ['not_legible', 'text_too_small']

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
        {legibility !== null && faults.every((fault) => measured.includes(fault)) && (
          <p className="photo-legibility">{t('photo.legibility', { percent: Math.round(legibility * 100) })}</p>
        )}
      </div>
    </output>
  )
}
