import { useEffect, useEffectEvent, useRef, useState } from 'react'
import type { RefObject } from 'react'
import type { AppError } from '#contract/result.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { Item } from '#contract/station/item.ts'
import type { Shot } from '#contract/station/shoot.ts'
import { planShots } from '#domain/shooting.ts'
import type { RigCamera, RigHandle } from '../../camera/Rig.tsx'
import { savePhoto } from '../../client/save-photo.ts'
import { useStation } from '../../client/state.ts'
import { call, subscribe } from '../../client/station.ts'

export interface Shooting {
  readonly setLive: (live: ReadonlySet<string>) => void
  /** Which camera takes which view next; empty when none can. */
  readonly plan: readonly { readonly camera: RigCamera; readonly view: PhotoRole | null }[]
  readonly isBusy: boolean
  /** What went wrong at the last shot, by camera. */
  readonly failures: readonly { readonly camera: string; readonly error: AppError }[]
  readonly shoot: () => void
  /** Does it when the photos that are being taken are saved; at once when none is. */
  readonly afterShot: (act: () => void) => void
}

/**
 * Has the cameras shoot: by the screen's key or button, by a control barcode, or because the station asks. `target` is
 * the view that a person chose; `replaces` the photo that the next one stands in for.
 */
export function useShooting(options: {
  readonly item: Item | null
  readonly rig: RefObject<RigHandle | null>
  readonly cameras: readonly RigCamera[]
  readonly target: PhotoRole | null
  readonly replaces: string | null
  readonly onShot: () => void
}): Shooting {
  const { item, rig, cameras, target, replaces, onShot } = options
  const isStopped = useStation((state) => state.status?.storage.arePhotosStopped ?? false)
  const [live, setLive] = useState<ReadonlySet<string>>(new Set())
  const [isBusy, setBusy] = useState(false)
  const [failures, setFailures] = useState<Shooting['failures']>([])
  const ready = cameras.filter(({ key, shoots }) => shoots && live.has(key))
  const plan =
    item === null || isStopped
      ? []
      : planShots(ready, item.views, target).flatMap(({ key, view }) => {
          const camera = ready.find((each) => each.key === key)
          return camera ? [{ camera, view }] : []
        })
  // One photo takes the place of one.
  const planned = replaces === null ? plan : plan.slice(0, 1)

  const shootOne = async ({ camera: { key, name }, view }: Shooting['plan'][number]): Promise<Shot> => {
    const photo = await rig.current?.takePhoto(key)
    if (!photo) {
      const error = { code: 'device_unavailable', message: 'it gave no photo' } as const
      return { camera: name, photo: null, error }
    }
    const result = await savePhoto(photo, {
      device: name,
      ...(item !== null && { item: item.id }),
      ...(view !== null && { role: view }),
      ...(replaces !== null && { replaces }),
    })
    return result.ok
      ? { camera: name, photo: result.value.photo, error: null }
      : { camera: name, photo: null, error: result.error }
  }
  const last = useRef<Promise<unknown>>(Promise.resolve())
  /** All at once; each photo is saved as soon as it is there, and one that fails stops no other. */
  const shoot = async (): Promise<Shot[]> => {
    if (isBusy || planned.length === 0) return []
    setBusy(true)
    const taking = Promise.all(planned.map(shootOne))
    last.current = taking
    const shots = await taking
    setBusy(false)
    setFailures(shots.flatMap(({ camera, error }) => (error === null ? [] : [{ camera, error }])))
    if (shots.some(({ photo }) => photo !== null)) onShot()
    return shots
  }
  const obey = useEffectEvent(() => void shoot())
  const answer = useEffectEvent(async (id: string) => void call('camera.shot', { id, shots: await shoot() }))
  useEffect(() => subscribe('control.taken', ({ command }) => void (command.kind === 'shoot' && obey())), [])
  useEffect(() => subscribe('camera.shoot', ({ id }) => void answer(id)), [])

  return {
    setLive,
    plan: planned,
    isBusy,
    failures,
    shoot: () => void shoot(),
    afterShot: (act) => void last.current.then(act),
  }
}
