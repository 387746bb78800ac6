import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPaths } from '#contract/station/http.ts'
import type { ReviewProposal } from '#contract/station/review.ts'
import { Button } from '../../ui/Button.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'

interface Size {
  readonly width: number
  readonly height: number
}

/** Where a value was read: the words themselves, and their place in the whole photo. */
export function Evidence(props: {
  readonly proposal: ReviewProposal
  readonly zoomKey: string
  readonly keyName: string
}) {
  const { proposal, zoomKey, keyName } = props
  const { photo, box } = proposal.evidence
  const { t } = useTranslation()
  const [loaded, setLoaded] = useState<{ photo: string; size: Size } | null>(null)
  const [zoom, setZoom] = useState(0)
  useShortcut(zoomKey, photo === null ? undefined : () => setZoom((zoom + 1) % 3))
  useShortcut('Esc', zoom === 0 ? undefined : () => setZoom(0))
  if (photo === null) return <p className="review-evidence review-empty">{t('review.photo_elsewhere')}</p>
  const size = loaded?.photo === photo ? loaded.size : null
  const around = size && box && widen(box, size)
  const label = t('review.evidence_of', { field: t(`review.field.${proposal.field}`, proposal.field) })
  return (
    <section className="review-evidence" aria-label={label}>
      <img
        className="visually-hidden"
        src={stationPaths.media(photo)}
        alt=""
        onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) =>
          setLoaded({ photo, size: { width, height } })
        }
      />
      {around && <img className="review-crop" src={stationPaths.region(photo, around, 1400)} alt={label} />}
      {size && (
        <Whole
          photo={photo}
          size={size}
          box={box}
          view={zoom === 0 ? null : zoom === 1 ? { x: 0, y: 0, ...size } : (around ?? { x: 0, y: 0, ...size })}
        />
      )}
      <Button keyName={keyName} aria-pressed={zoom > 0} onPress={() => setZoom((zoom + 1) % 3)}>
        {t(`review.zoom_${zoom as 0 | 1 | 2}`)}
      </Button>
    </section>
  )
}

/** The photo with a frame around the words; `view` is the part that fills the screen. */
function Whole(props: {
  readonly photo: string
  readonly size: Size
  readonly box: ReviewProposal['evidence']['box']
  readonly view: ReturnType<typeof widen> | null
}) {
  const { photo, size, box, view } = props
  const part = view ?? { x: 0, y: 0, ...size }
  const line = Math.max(part.width, part.height) / 240
  // Around the words, not over them.
  const frame = box && {
    x: box.x - line,
    y: box.y - line,
    width: box.width + 2 * line,
    height: box.height + 2 * line,
  }
  return (
    <svg
      className={view === null ? 'review-whole' : 'review-whole review-zoomed'}
      viewBox={`${part.x} ${part.y} ${part.width} ${part.height}`}
      aria-hidden="true"
    >
      <image href={stationPaths.media(photo)} width={size.width} height={size.height} />
      {frame && (
        <>
          <rect className="review-frame-under" {...frame} strokeWidth={line * 2} />
          <rect className="review-frame" {...frame} strokeWidth={line} />
        </>
      )}
    </svg>
  )
}

/** A box with some of what stands around it, within the photo, in whole pixels. */
function widen(box: { x: number; y: number; width: number; height: number }, size: Size) {
  const margin = Math.max(box.height * 0.6, box.width * 0.06, 16)
  const x = Math.max(0, Math.floor(box.x - margin))
  const y = Math.max(0, Math.floor(box.y - margin))
  const width = Math.max(1, Math.min(size.width - x, Math.ceil(box.x + box.width + margin) - x))
  const height = Math.max(1, Math.min(size.height - y, Math.ceil(box.y + box.height + margin) - y))
  return { x, y, width, height }
}
