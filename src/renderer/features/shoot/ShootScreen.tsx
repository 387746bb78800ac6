import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import { windowDevices } from '#contract/station/device.ts'
import type { Desk, Item } from '#contract/station/item.ts'
import type { Settings } from '#contract/station/settings.ts'
import { readScan } from '#domain/scan.ts'
import { missingOf } from '#domain/shooting.ts'
import { Rig, rigOf } from '../../camera/Rig.tsx'
import type { CameraCode } from '../../camera/CameraView.tsx'
import type { RigCamera, RigHandle } from '../../camera/Rig.tsx'
import { receiveScan } from '../../client/scans.ts'
import { useStation } from '../../client/state.ts'
import { Button } from '../../ui/Button.tsx'
import { CodeText } from '../../ui/CodeText.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'
import { duration } from '../../ui/time.ts'
import { deskKeys, keyLabel } from './keys.ts'
import { Note } from '../../ui/Note.tsx'
import { PhotoStrip, SelectedPhoto } from './Photos.tsx'
import { ShotLists } from './ShotLists.tsx'
import './shoot.css'
import { Entries, StartItem } from './StartItem.tsx'
import { useDesk, type DeskWork } from './use-desk.ts'
import { useShooting, type Shooting } from './use-shooting.ts'
import { Views } from './Views.tsx'

/** Where a person is within an item. */
interface Place {
  readonly itemId: string | null
  /** The view that was chosen instead of the next one. */
  readonly target: PhotoRole | null
  /** The photo that the keys act on, if it is not the newest. */
  readonly photo: string | null
  /** The photo that the next one takes the place of. */
  readonly retaking: string | null
  /** Submitting was asked for while views are missing. */
  readonly isAsked: boolean
  /** The GTIN of another product before the camera. */
  readonly stranger: string | null
}
const nowhere: Omit<Place, 'itemId'> = { target: null, photo: null, retaking: null, isAsked: false, stranger: null }

/** The desk at which products are photographed: an item is opened by its code, shot from all sides, and submitted. */
export function ShootScreen() {
  const { t } = useTranslation()
  const work = useDesk()
  const settings = useStation((state) => state.settings)
  const [isEditing, setEditing] = useState(false)
  if (work.desk === null || settings === null)
    return work.error === null ? <p className="loading">{t('app.loading')}</p> : <ErrorNote error={work.error} />
  return isEditing ? (
    <ShotLists settings={settings} onClose={() => setEditing(false)} />
  ) : (
    <DeskScreen work={work} desk={work.desk} settings={settings} onLists={() => setEditing(true)} />
  )
}

function DeskScreen(props: {
  readonly work: DeskWork
  readonly desk: Desk
  readonly settings: Settings
  readonly onLists: () => void
}) {
  const { work, desk, settings, onLists } = props
  const { t } = useTranslation()
  const { item } = desk
  const itemId = item?.id ?? null
  const [kept, setPlace] = useState<Place>({ itemId, ...nowhere })
  const [submitted, setSubmitted] = useState<string | null>(null)
  const place = kept.itemId === itemId ? kept : { itemId, ...nowhere }
  const go = (change: Partial<Place>) => setPlace({ ...place, isAsked: false, ...change })
  const cameras = rigOf(settings, true, t)
  const rig = useRef<RigHandle>(null)
  const shooting = useShooting({
    item,
    rig,
    cameras,
    target: place.target,
    replaces: place.retaking,
    onShot: () => go({ target: null, photo: null, retaking: null }),
  })
  const seen = (code: CameraCode, camera: RigCamera) => {
    const scan = {
      data: code.text,
      source: 'camera',
      deviceName: camera.name,
      deviceId: windowDevices.camera,
      readAt: code.readAt,
      ...(code.symbologyIdentifier !== '' && { aim: code.symbologyIdentifier }),
    } as const
    if (item === null) return desk.isTaken ? undefined : receiveScan(scan)
    // What lies under the camera is no wish to go on to it.
    const { gtin } = readScan(scan, { now: new Date() })
    if (gtin !== null && item.gtin !== null) go({ stranger: gtin === item.gtin ? null : gtin })
  }

  return (
    <section className="shoot filling" data-open={item !== null}>
      <Head item={item} desk={desk} settings={settings} onList={(id) => item && work.setList(item.id, id)} />
      <div className="shoot-notes" aria-live="polite">
        <DeskNotes />
        {work.error !== null &&
          (work.error.code === 'conflict' ? (
            <Note tone="attention" text={t('shoot.conflict')} quote={work.error.message} />
          ) : (
            <ErrorNote error={work.error} />
          ))}
        {item === null && submitted !== null && <Note tone="ok" text={t('shoot.submitted', { name: submitted })} />}
        {item !== null && place.stranger !== null && (
          <Note
            tone="stop"
            text={t('shoot.other_in_view', {
              gtin: place.stranger,
              own: item.product.product?.name ?? item.gtin ?? '',
            })}
          />
        )}
        {shooting.failures.map(({ camera, error }) =>
          error.code === 'device_unavailable' ? (
            <Note key={camera} tone="stop" text={t('shoot.camera_lost', { camera })} />
          ) : (
            <ErrorNote key={camera} error={error} />
          ),
        )}
        {place.isAsked && item !== null && <MissingNote item={item} />}
      </div>
      {item === null ? (
        <StartItem isTaken={desk.isTaken} onLists={onLists} />
      ) : (
        <Views item={item} target={place.target} onTarget={(target) => go({ target })} />
      )}
      <section className="shoot-cameras" aria-label={t('shoot.cameras')}>
        {!desk.isTaken && (
          <Rig ref={rig} cameras={cameras} settings={settings} formats="all" onLive={shooting.setLive} onCode={seen} />
        )}
        {item !== null && <ShootButton item={item} shooting={shooting} keyName={settings.shoot.key} place={place} />}
      </section>
      {item === null ? (
        <Entries desk={desk} onOpen={work.open} />
      ) : (
        <SelectedPhoto
          key={item.id}
          item={item}
          work={work}
          selected={place.photo}
          retaking={place.retaking}
          onRetake={(retaking) => go({ retaking })}
          shootKey={keyLabel(settings.shoot.key)}
        />
      )}
      {item !== null && <PhotoStrip item={item} selected={place.photo} onSelect={(photo) => go({ photo })} />}
      {item !== null && (
        <footer className="shoot-actions">
          <Action name="undo" run={work.undo} isDisabled={!work.canUndo} />
          <Action name="lists" run={onLists} />
          <Action name="leave" run={() => shooting.afterShot(work.leave)} />
          <Action
            name="submit"
            kind={missingOf(item.views) === 0 ? 'primary' : 'plain'}
            isDisabled={!item.photos.some(({ disposition }) => disposition === 'counted')}
            run={() => {
              if (missingOf(item.views) > 0 && !place.isAsked) return go({ isAsked: true })
              setSubmitted(item.product.product?.name || item.gtin || item.raw)
              shooting.afterShot(work.submit)
            }}
          />
        </footer>
      )}
    </section>
  )
}

function Head(props: {
  readonly item: Item | null
  readonly desk: Desk
  readonly settings: Settings
  readonly onList: (listId: string) => void
}) {
  const { item, desk, settings, onList } = props
  const { t } = useTranslation()
  return (
    <header className="shoot-head">
      {item === null ? (
        <h1>{t('shoot.title')}</h1>
      ) : (
        <div className="shoot-product">
          <h1>{item.product.product?.name || t(`shoot.name.${item.product.state}`)}</h1>
          <CodeText raw={item.gtin ?? item.raw} />
          {item.product.product !== null && (
            <span className="hint">
              {[item.product.product.brand, item.product.product.netContent].filter((part) => part !== '').join(', ')}
            </span>
          )}
          {item.product.state !== 'known' && <p className="hint">{t(`shoot.product.${item.product.state}`)}</p>}
        </div>
      )}
      {item !== null && (
        <label className="shoot-kind">
          <span>{t('shoot.kind')}</span>
          <select className="input" value={item.list.id} onChange={({ target }) => onList(target.value)}>
            {settings.shoot.lists.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <Figures figures={desk.figures} />
    </header>
  )
}

/** How much was done today, how fast, and what was left. */
function Figures({ figures }: { readonly figures: Desk['figures'] }) {
  const { t, i18n } = useTranslation()
  const { items, photos, msPerItem, left } = figures
  return (
    <dl className="shoot-figures">
      <div>
        <dt>{t('shoot.today')}</dt>
        <dd>
          {t('shoot.items_done', { count: items })}, {t('shoot.photos_of', { count: photos })}
        </dd>
      </div>
      <div>
        <dt>{t('shoot.pace')}</dt>
        <dd>
          {msPerItem === null ? t('shoot.no_pace') : t('shoot.per_item', { time: duration(msPerItem, i18n.language) })}
        </dd>
      </div>
      {left > 0 && (
        <div>
          <dt>{t('shoot.left')}</dt>
          <dd>{t('shoot.items_done', { count: left })}</dd>
        </div>
      )}
    </dl>
  )
}

/** What stands in the way of photos, or of their sending, each with the next step; that photos have stopped is said above every screen. */
function DeskNotes() {
  const { t } = useTranslation()
  const storage = useStation((state) => state.status?.storage)
  const backend = useStation((state) => state.status?.backend.state)
  return (
    <>
      {storage?.arePhotosStopped === false && storage.state === 'low' && (
        <Note tone="attention" text={t('shoot.low')} />
      )}
      {backend === 'offline' && <Note tone="waiting" text={t('shoot.offline')} />}
    </>
  )
}

function MissingNote({ item }: { readonly item: Item }) {
  const { t } = useTranslation()
  const missing = item.views.filter(({ required, state }) => required && (state === 'missing' || state === 'retake'))
  const views = missing.map(({ view }) => t(`camera.role.${view}`)).join(', ')
  return (
    <Note
      tone="attention"
      text={t('shoot.submit_sure', { count: missing.length, views, key: keyLabel(deskKeys.submit) })}
    />
  )
}

/** What the next shot takes, on the button that takes it. */
function ShootButton(props: {
  readonly item: Item
  readonly shooting: Shooting
  readonly keyName: string
  readonly place: Place
}) {
  const { item, shooting, keyName, place } = props
  const { plan, isBusy, shoot } = shooting
  const { t } = useTranslation()
  const isStopped = useStation((state) => state.status?.storage.arePhotosStopped ?? false)
  useShortcut(keyName.length === 1 ? keyName.toLowerCase() : keyName, plan.length === 0 ? undefined : shoot)
  const retaken = item.photos.find(({ captureId }) => captureId === place.retaking)
  const names = plan.map(({ view }) => t(`camera.role.${retaken?.view ?? view ?? 'other'}`)).join(' + ')
  // A button that waits says for what.
  const said = (): string => {
    if (isBusy) return t(item.coming.length > 0 ? 'shoot.busy.reading' : 'shoot.busy.taking')
    return names === '' ? t('shoot.take_nothing') : t(retaken ? 'shoot.take_again' : 'shoot.take', { what: names })
  }
  return (
    <>
      <Button kind="primary" large keyName={keyLabel(keyName)} isDisabled={plan.length === 0 || isBusy} onPress={shoot}>
        {said()}
      </Button>
      {plan.length === 0 && !isStopped && <p className="hint">{t('shoot.no_camera')}</p>}
    </>
  )
}

function Action(props: {
  readonly name: 'undo' | 'lists' | 'leave' | 'submit'
  readonly run: () => void
  readonly isDisabled?: boolean
  readonly kind?: 'primary' | 'plain'
}) {
  const { name, run, isDisabled = false, kind = 'plain' } = props
  const { t } = useTranslation()
  useShortcut(deskKeys[name], isDisabled ? undefined : run)
  return (
    <Button kind={kind} keyName={keyLabel(deskKeys[name])} isDisabled={isDisabled} onPress={run}>
      {t(`shoot.action.${name}`)}
    </Button>
  )
}
