import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { photoRoleSchema, type PhotoRole } from '#contract/station/camera-settings.ts'
import { stationPaths } from '#contract/station/http.ts'
import type { Item, ItemPhoto } from '#contract/station/item.ts'
import { useStation } from '../../client/state.ts'
import type { Tone } from '../../ui/capture-view.ts'
import { Button } from '../../ui/Button.tsx'
import { PhotoVerdict } from '../../ui/PhotoVerdict.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'
import { StateShape } from '../../ui/StateShape.tsx'
import { deskKeys, keyLabel } from './keys.ts'
import { Note } from '../../ui/Note.tsx'
import type { DeskWork } from './use-desk.ts'
import { Zoom } from './Zoom.tsx'

const photoActions = ['zoom', 'retake', 'view', 'earlier', 'later', 'delete'] as const
type ComingPhoto = Item['coming'][number]

const verdictTones = { good: 'ok', check: 'attention', retake: 'stop' } as const

/** A photo's shape: deleted, or as its verdict is. */
function toneOf({ disposition, quality }: ItemPhoto): Tone {
  return disposition !== 'counted' || quality === null ? 'info' : verdictTones[quality.verdict]
}

/** The photo that was taken a moment ago and is being read, unless one of those before it was chosen. */
function comingOf({ coming }: Item, selected: string | null): ComingPhoto | null {
  return selected === null ? (coming.at(-1) ?? null) : null
}

/** The photo that the keys act on: the chosen one, else the newest. */
function selectedOf({ photos }: Item, id: string | null): ItemPhoto | null {
  const chosen = photos.find(({ captureId }) => captureId === id)
  if (chosen) return chosen
  const present = photos.filter(({ disposition }) => disposition === 'counted')
  return present.toSorted((a, b) => b.takenAt.localeCompare(a.takenAt))[0] ?? null
}

/** All photos of the item in their order. */
export function PhotoStrip(props: {
  readonly item: Item
  readonly selected: string | null
  readonly onSelect: (captureId: string) => void
}) {
  const { item, selected, onSelect } = props
  const { t } = useTranslation()
  const current = selectedOf(item, selected)
  const at = item.photos.findIndex(({ captureId }) => captureId === current?.captureId)
  const strip = useRef<HTMLOListElement>(null)
  const shown = comingOf(item, selected)?.photo ?? current?.captureId
  useEffect(() => {
    strip.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [shown])
  const step = (by: 1 | -1) => {
    const { length } = item.photos
    const next = item.photos[(at + by + length) % length]
    if (next) onSelect(next.captureId)
  }
  useShortcut('ArrowRight', item.photos.length < 2 ? undefined : () => step(1))
  useShortcut('ArrowLeft', item.photos.length < 2 ? undefined : () => step(-1))
  return (
    <ol ref={strip} className="shoot-strip" aria-label={t('shoot.photos')}>
      {item.photos.map((photo) => (
        <li key={photo.captureId}>
          <button
            type="button"
            className="shoot-tile"
            data-gone={photo.disposition !== 'counted'}
            aria-current={photo.captureId === shown ? 'true' : undefined}
            onClick={() => onSelect(photo.captureId)}
          >
            <img src={stationPaths.thumbnail(photo.photo)} alt="" />
            <span>
              <StateShape tone={toneOf(photo)} size={20} />
              {t(`camera.role.${photo.view}`)}
            </span>
            <Road photo={photo} isShort />
          </button>
        </li>
      ))}
      {item.coming.map(({ photo, view, quality }) => (
        <li key={photo}>
          <div className="shoot-tile" aria-current={photo === shown ? 'true' : undefined}>
            <img src={stationPaths.thumbnail(photo)} alt="" />
            <span>
              <StateShape tone={verdictTones[quality.verdict]} size={20} />
              {t(`camera.role.${view}`)}
            </span>
            <small>{t('shoot.road.reading')}</small>
          </div>
        </li>
      ))}
    </ol>
  )
}

/** How far a photo is on its way to the server. */
function Road({ photo, isShort = false }: { readonly photo: ItemPhoto; readonly isShort?: boolean }) {
  const { t } = useTranslation()
  const upload = useStation((state) =>
    state.status?.queue.uploads.find(({ captureId }) => captureId === photo.captureId),
  )
  if (photo.disposition !== 'counted') return <small>{t('shoot.deleted')}</small>
  if (upload !== undefined) {
    const percent = Math.round((100 * upload.sentBytes) / Math.max(1, upload.totalBytes))
    return (
      <small className="shoot-road">
        <progress value={percent} max={100} aria-label={t('shoot.road.sending')} />
        {t('shoot.sent_part', { percent })}
      </small>
    )
  }
  return (
    <small className="shoot-road">
      {t(`shoot.road.${photo.sync}`)}
      {!isShort && photo.syncError !== null && photo.sync !== 'sent' && <q>{photo.syncError}</q>}
    </small>
  )
}

/** One photo large, what is wrong with it and what to do, and what can be done with it. */
export function SelectedPhoto(props: {
  readonly item: Item
  readonly work: DeskWork
  readonly selected: string | null
  readonly retaking: string | null
  readonly onRetake: (captureId: string | null) => void
  readonly shootKey: string
}) {
  const { item, work, selected, retaking, onRetake, shootKey } = props
  const { t } = useTranslation()
  const [isZoomed, setZoomed] = useState(false)
  const [isChoosing, setChoosing] = useState(false)
  const photo = selectedOf(item, selected)
  const isThere = photo?.disposition === 'counted'
  const isChangeable = photo !== null && !photo.isFixed
  const at = item.photos.findIndex(({ captureId }) => captureId === photo?.captureId)
  const present = item.photos.filter(({ disposition }) => disposition === 'counted').length
  const isRetaking = photo !== null && retaking === photo.captureId
  useShortcut('Esc', isChoosing || retaking === null ? undefined : () => onRetake(null))
  // What somebody is about to do to a photo is not taken from under their hands.
  const coming = isChoosing || isZoomed ? null : comingOf(item, selected)
  if (coming !== null) return <JustTaken coming={coming} />
  if (photo === null) {
    return (
      <section className="shoot-photo" aria-label={t('shoot.photo')}>
        <p className="nothing">{t('shoot.no_photos', { key: shootKey })}</p>
      </section>
    )
  }
  const action = (
    name: (typeof photoActions)[number],
    run: () => void,
    isDisabled: boolean,
    text: string = t(`shoot.action.${name}`),
  ) => <PhotoAction key={name} name={name} run={run} isDisabled={isDisabled} text={text} />
  return (
    <section className="shoot-photo" aria-label={t('shoot.photo')}>
      <img
        className="shoot-large"
        src={stationPaths.media(photo.photo)}
        alt={t(`camera.role.${photo.view}`)}
        data-gone={!isThere}
      />
      <section className="shoot-said" aria-label={t('shoot.said')} aria-live="polite" tabIndex={0}>
        <p className="shoot-what">
          <b>{t(`camera.role.${photo.view}`)}</b> <Road photo={photo} />
        </p>
        {isRetaking && <Note tone="info" text={t('shoot.retaking')} />}
        {isThere && photo.quality !== null && <PhotoVerdict quality={photo.quality} />}
        {photo.isFixed && <p className="hint">{t('shoot.fixed')}</p>}
        {isChoosing && (
          <ChooseView
            view={photo.view}
            onChoose={(view) => {
              setChoosing(false)
              if (view !== null && view !== photo.view) work.classify(photo, view)
            }}
          />
        )}
      </section>
      <div className="shoot-photo-actions">
        {action('zoom', () => setZoomed(true), isZoomed)}
        {action(
          'retake',
          () => onRetake(isRetaking ? null : photo.captureId),
          !isChangeable || !isThere,
          t(isRetaking ? 'shoot.action.retake_off' : 'shoot.action.retake'),
        )}
        {action('view', () => setChoosing(true), !isChangeable || !isThere || isChoosing)}
        {action('earlier', () => work.move(photo, at, at - 1), !isChangeable || !isThere || at === 0)}
        {action('later', () => work.move(photo, at, at + 1), !isChangeable || !isThere || at >= present - 1)}
        {isThere
          ? action('delete', () => work.remove(photo), !isChangeable)
          : action('delete', () => work.restore(photo), !isChangeable, t('shoot.action.restore'))}
      </div>
      {isZoomed && <Zoom photo={photo} keyName={deskKeys.zoom} onClose={() => setZoomed(false)} />}
    </section>
  )
}

/** What the picture alone tells of a photo, while its codes are being read: enough to shoot again at once. */
function JustTaken({ coming: { photo, view, quality } }: { readonly coming: ComingPhoto }) {
  const { t } = useTranslation()
  return (
    <section className="shoot-photo" aria-label={t('shoot.photo')}>
      <img className="shoot-large" src={stationPaths.media(photo)} alt={t(`camera.role.${view}`)} />
      <section className="shoot-said" aria-label={t('shoot.said')} aria-live="polite" tabIndex={0}>
        <p className="shoot-what">
          <b>{t(`camera.role.${view}`)}</b> <small className="shoot-road">{t('shoot.road.reading')}</small>
        </p>
        <PhotoVerdict quality={quality} />
      </section>
      <div className="shoot-photo-actions">
        {photoActions.map((name) => (
          <Button key={name} keyName={keyLabel(deskKeys[name])} isDisabled>
            {t(`shoot.action.${name}`)}
          </Button>
        ))}
      </div>
    </section>
  )
}

/** What a photo shows: arrow keys choose, Enter keeps, Esc leaves it as it was. */
function ChooseView(props: { readonly view: PhotoRole; readonly onChoose: (view: PhotoRole | null) => void }) {
  const { view, onChoose } = props
  const { t } = useTranslation()
  const [draft, setDraft] = useState(view)
  useShortcut('Esc', () => onChoose(null))
  return (
    <form
      className="shoot-choose"
      onSubmit={(event) => {
        event.preventDefault()
        onChoose(draft)
      }}
    >
      <label htmlFor="shoot-view">{t('shoot.choose_view')}</label>
      <select
        id="shoot-view"
        className="input"
        autoFocus
        value={draft}
        onChange={({ target }) => setDraft(photoRoleSchema.parse(target.value))}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return
          event.preventDefault()
          onChoose(draft)
        }}
      >
        {photoRoleSchema.options.map((each) => (
          <option key={each} value={each}>
            {t(`camera.role.${each}`)}
          </option>
        ))}
      </select>
      <Button type="submit" kind="primary" keyName="Enter">
        {t('shoot.action.keep_view')}
      </Button>
    </form>
  )
}

function PhotoAction(props: {
  readonly name: (typeof photoActions)[number]
  readonly run: () => void
  readonly isDisabled: boolean
  readonly text: string
}) {
  const { name, run, isDisabled, text } = props
  useShortcut(deskKeys[name], isDisabled ? undefined : run)
  return (
    <Button keyName={keyLabel(deskKeys[name])} isDisabled={isDisabled} onPress={run}>
      {text}
    </Button>
  )
}
