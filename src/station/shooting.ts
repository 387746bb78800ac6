import type { ProcedureHandlers } from '#contract/dispatch.ts'
import type { Clock, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { Capture, MatchedProduct, Scan } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { Desk, Item, ItemEntry, ItemPhoto, itemProcedures } from '#contract/station/item.ts'
import type { PhotoQuality } from '#contract/station/photo-quality.ts'
import { openSessionSchema, type Session } from '#contract/station/session.ts'
import type { ShootSettings, ShotList } from '#contract/station/shot-list.ts'
import { readControlCode } from '#domain/control-code.ts'
import { completed } from '#domain/photo-verdict.ts'
import { readScan } from '#domain/scan.ts'
import { faultsInItem, missingOf, nextView, viewOfNew, viewsOf } from '#domain/shooting.ts'
import type { Capturing } from '#station/capture/capture.ts'
import type { ItemOfPhoto } from '#station/capture/photo.ts'
import type { RemoteResult } from '#station/remote/scanner-client.ts'
import type { ShotItem } from '#station/store/shot-items.ts'
import type { Store } from '#station/store/store.ts'

/** A window that says nothing for so long shows the desk no more. */
const attendMs = 60_000
/** A product whose code is scanned again within this time is the same work; later it is photographed anew. */
const sameWorkMs = 12 * 3_600_000
/** Longer between two submissions was a pause. */
const pauseMs = 600_000
/** The pace is told from so many items. */
const paceItems = 20

/** A photo as an item judges it. */
type SeenInItem = Parameters<ItemOfPhoto['judge']>[0]
/** A photo that is durable and judged, and not read yet. */
type SeenPhoto = Pick<Item['coming'][number], 'photo' | 'quality'>

/** The desk at which products are photographed: one item is open at a time, and is a session of its own. */
export interface Shooting {
  readonly handlers: ProcedureHandlers<typeof itemProcedures>
  /** Takes a scan that is the desk's; null for one that is not, because nobody photographs products here. */
  take(scan: Scan, submit: () => Promise<Result<ScanAnswer>>): Promise<Result<ScanAnswer>> | null
  /**
   * The open item for a new photo, which is one of its views from now on until `done` is called with its capture, or without one; null when no item is
   * open. `replaces` is the photo that it stands in for, which counts no more once the new one is there.
   */
  photo(
    role: PhotoRole | null,
    replaces: string | null,
  ): (ItemOfPhoto & { readonly itemId: string; readonly done: (captureId: string | null) => void }) | null
  /** Whether the session is an item's. */
  isItem(session: Session): boolean
  desk(): Desk
  /** The backend can be asked again. */
  lookUpAgain(): void
}

/** Creates it over the store. `findProduct` is null without a backend; `changed` is told that the desk is another. */
export function createShooting(ports: {
  readonly store: Store
  readonly capturing: Capturing
  readonly clock: Clock
  readonly log: Log
  readonly settings: () => ShootSettings
  readonly rememberList: (id: string) => void
  readonly findProduct: ((gtin: string) => Promise<RemoteResult<MatchedProduct | null>>) | null
  readonly changed: () => void
  /** An item was opened: photos are about to come. */
  readonly opened: () => void
  /** A photo was judged: told at once, for somebody waits to know whether to take it again. */
  readonly seen: () => void
  /** A session was opened or has ended. */
  readonly sessionChanged: (id: string) => void
  readonly capturesChanged: (ids: readonly string[]) => void
}): Shooting {
  const { store, capturing, clock } = ports
  const { shotItems } = store
  const windows = new Map<string, number>()
  /** What the backend said of a GTIN that it does not know, or why it could not be asked. */
  const lookups = new Map<string, 'asking' | 'new' | 'unknown_here'>()
  /** Photos on their way, what each will show of which item, and what is known of it. */
  const coming = new Map<
    symbol,
    {
      readonly itemId: string
      readonly view: PhotoRole
      readonly seen: SeenPhoto | null
      /** Resolves when it is captured, or will not be. */
      readonly over: Promise<void>
    }
  >()
  let line: Promise<unknown> = Promise.resolve()

  /** One after another: a scan that comes while an item is being opened finds it open. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = line.then(work, work)
    line = turn.catch(() => undefined)
    return turn
  }

  const viewsComing = (itemId: string): PhotoRole[] =>
    [...coming.values()].flatMap((each) => (each.itemId === itemId ? each.view : []))

  const isAttended = (): boolean => {
    for (const [id, untilMs] of windows) if (untilMs < clock.monotonicMs()) windows.delete(id)
    return windows.size > 0
  }
  const current = (): { readonly item: ShotItem; readonly session: Session } | null => {
    const session = store.sessions.current()
    const item = session && shotItems.ofSession(session.id)
    return session && item ? { item, session } : null
  }

  // --- As it is shown -------------------------------------------------------------------------------

  const listOf = ({ list }: ShotItem): ShotList => {
    const { lists } = ports.settings()
    const found = lists.find(({ id }) => id === list) ?? lists[0]
    if (!found) throw new Error('the settings have no shot list')
    return found
  }

  const judged = (
    item: ShotItem,
    view: PhotoRole,
    photo: SeenInItem,
    /** The hashes of all photos of the item that count, this one's among them. */
    present: readonly string[],
  ): PhotoQuality => {
    const { quality, codes } = photo
    const expects = listOf(item).views.find((each) => each.view === view)?.expects ?? []
    const others = present.toSpliced(present.indexOf(photo.hash), present.includes(photo.hash) ? 1 : 0)
    const isRepeat = quality.repeats !== null && others.includes(quality.repeats.photo)
    const alone = isRepeat
      ? quality
      : { ...quality, repeats: null, faults: quality.faults.filter((fault) => fault !== 'repeated') }
    return completed(alone, faultsInItem({ gtin: item.gtin, view, codes, expects, quality }))
  }

  const counted = (captures: readonly Capture[]): Capture[] =>
    captures.filter(({ disposition }) => disposition === 'counted')

  const photosOf = (item: ShotItem): ItemPhoto[] => {
    const captures = store.captures.getMany(shotItems.photos(item.id))
    const present = counted(captures).flatMap(({ photo }) => photo ?? [])
    const place = (id: string): number => {
      const at = item.order.indexOf(id)
      return at === -1 ? item.order.length : at
    }
    const active = store.sessions.current()?.id
    return captures
      .flatMap((capture): ItemPhoto[] => {
        const known = capture.photo === null ? null : store.photos.get(capture.photo)
        if (known === null) return []
        const { hash, quality, codes, widthPixels, heightPixels } = known
        const view = capture.photoRole ?? 'other'
        return [
          {
            captureId: capture.id,
            photo: hash,
            view,
            deviceName: capture.deviceName,
            takenAt: capture.capturedAt,
            widthPixels,
            heightPixels,
            quality: quality && judged(item, view, { hash, quality, codes }, present),
            disposition: capture.disposition,
            sync: capture.sync,
            syncError: capture.syncError?.message ?? null,
            isFixed: capture.sessionId !== active,
          },
        ]
      })
      .toSorted(
        (a, b) =>
          Number(a.disposition !== 'counted') - Number(b.disposition !== 'counted') ||
          place(a.captureId) - place(b.captureId),
      )
  }

  const viewsFor = (item: ShotItem, photos: readonly ItemPhoto[], onTheWay: readonly PhotoRole[] = []) =>
    viewsOf(listOf(item), [
      ...photos
        .filter(({ disposition }) => disposition === 'counted')
        .map(({ view, quality }) => ({ view, verdict: quality?.verdict ?? null })),
      ...onTheWay.map((view) => ({ view, verdict: null })),
    ])

  const productOf = (item: ShotItem): Item['product'] => {
    const { gtin } = item
    if (gtin === null) return { state: 'no_gtin', product: null }
    const product = store.captures.knownProduct(gtin)
    if (product) return { state: 'known', product }
    const code = shotItems.codeOf(item.sessions.at(-1) ?? '')
    const isUnknown = code !== null && store.captures.get(code)?.state === 'NOT_FOUND'
    return { state: isUnknown ? 'new' : (lookups.get(gtin) ?? 'unknown_here'), product: null }
  }

  const stateOf = (item: ShotItem): Item['state'] =>
    item.sessions.at(-1) === store.sessions.current()?.id ? 'open' : item.submittedAt === null ? 'left' : 'submitted'

  /** What an item is, however much else is shown of it. */
  const head = (item: ShotItem) => {
    const { id, gtin, raw, openedAt, submittedAt } = item
    return { id, gtin, raw, state: stateOf(item), openedAt, submittedAt }
  }

  const shown = (item: ShotItem): Item => {
    const photos = photosOf(item)
    const views = viewsFor(item, photos)
    return {
      ...head(item),
      product: productOf(item),
      list: listOf(item),
      views: [...views],
      next: nextView(views),
      photos,
      coming: [...coming.values()].flatMap(({ itemId, view, seen }) =>
        itemId === item.id && seen !== null ? [{ view, ...seen }] : [],
      ),
    }
  }

  const entry = (item: ShotItem): ItemEntry => {
    const photos = photosOf(item).filter(({ disposition }) => disposition === 'counted')
    return {
      ...head(item),
      name: productOf(item).product?.name ?? '',
      photos: photos.length,
      missing: missingOf(viewsFor(item, photos)),
      thumbnail: photos[0]?.photo ?? null,
    }
  }

  const desk = (): Desk => {
    const open = current()
    const midnight = new Date(clock.now())
    midnight.setHours(0, 0, 0, 0)
    const { submitted, photos, left } = shotItems.since(midnight.toISOString())
    const times = submitted.slice(-paceItems - 1).map((instant) => Date.parse(instant))
    const between = times.slice(1).flatMap((time, index) => {
      const ms = time - (times[index] ?? time)
      return ms <= pauseMs ? [ms] : []
    })
    return {
      item: open && shown(open.item),
      isTaken: open === null && store.sessions.current() !== null,
      figures: {
        items: submitted.length,
        photos,
        msPerItem: between.length === 0 ? null : between.reduce((sum, ms) => sum + ms, 0) / between.length,
        left: left - (open && open.item.submittedAt === null ? 1 : 0),
      },
    }
  }
  const answer = (): Result<Desk> => {
    ports.changed()
    return ok(desk())
  }

  // --- Items ----------------------------------------------------------------------------------------

  /** Asks the backend for a product; what this station has seen of it is shown meanwhile. */
  const lookUp = async (gtin: string | null): Promise<void> => {
    if (gtin === null || lookups.get(gtin) === 'asking') return
    if (ports.findProduct === null) return void lookups.set(gtin, 'unknown_here')
    lookups.set(gtin, 'asking')
    const found = await ports.findProduct(gtin).catch((error: unknown) => {
      ports.log.error({ error: String(error) }, 'a product was not looked up')
      return null
    })
    if (found?.ok && found.value) {
      store.captures.rememberProduct(found.value)
      lookups.delete(gtin)
    } else {
      lookups.set(gtin, found?.ok ? 'new' : 'unknown_here')
    }
    ports.changed()
  }

  /** Opens the session of an item that is begun, or come back to. */
  const openSession = (label: string, begin: (sessionId: string) => void): boolean => {
    const session = store.transaction(() => {
      const opened = store.sessions.open(
        openSessionSchema.parse({
          label,
          captureMode: 'product_photography',
          duplicatePolicy: 'count',
          marksWindowMs: 0,
        }),
      )
      if (opened) begin(opened.id)
      return opened
    })
    if (session) {
      ports.opened()
      ports.sessionChanged(session.id)
    }
    return session !== null
  }

  /** A photo that was told to be kept is one of the item that it was taken of, however long its codes take to be read. */
  const photosCaptured = async (): Promise<void> => {
    while (coming.size > 0) await Promise.all([...coming.values()].map(({ over }) => over))
  }

  /** Ends the open item's session; what was photographed is read by the backend. */
  const end = async (isSubmitted: boolean): Promise<void> => {
    await photosCaptured()
    await capturing.idle()
    const open = current()
    if (!open) return
    store.transaction(() => {
      if (isSubmitted) shotItems.submit(open.item.id)
      store.sessions.end(open.session.id)
    })
    ports.sessionChanged(open.session.id)
  }

  const taken = fail('conflict', 'another session is open: end it first')

  const openWith = async (
    { gtin, raw }: { readonly gtin: string | null; readonly raw: string },
    submit: () => Promise<Result<ScanAnswer>>,
  ): Promise<Result<ScanAnswer>> => {
    await end(false)
    const known = shotItems.withCode(gtin, raw)
    const isSame =
      known !== null &&
      (known.submittedAt === null || clock.now().getTime() - Date.parse(known.submittedAt) < sameWorkMs)
    const isOpen = openSession(raw.slice(0, 100), (sessionId) => {
      if (isSame) shotItems.reopen(known.id, sessionId)
      else shotItems.add({ gtin, raw, list: ports.settings().list, sessionId })
    })
    if (!isOpen) return taken
    void lookUp(gtin)
    const saved = await submit()
    ports.changed()
    return saved
  }

  /** The code of an item that one comes back to by hand: in its new session it says again whose photos come. */
  const comeBack = async (item: ShotItem): Promise<Result<Desk>> => {
    if (current()?.item.id === item.id) return answer()
    await end(false)
    if (!openSession(item.raw.slice(0, 100), (sessionId) => shotItems.reopen(item.id, sessionId))) return taken
    void lookUp(item.gtin)
    const saved = await capturing.scan({ data: item.raw, source: 'manual', deviceName: '' })
    return saved.ok ? answer() : saved
  }

  const takeCode = async (scan: Scan, submit: () => Promise<Result<ScanAnswer>>): Promise<Result<ScanAnswer>> => {
    const { gtin, raw } = readScan(scan, { now: clock.now() })
    const open = current()
    if (!open && store.sessions.current()) return submit()
    if (open && (gtin === null ? raw === open.item.raw : gtin === open.item.gtin)) {
      // One that was not saved at the opening is saved now.
      return shotItems.codeOf(open.session.id) === null ? submit() : ok({ outcome: 'checked', isSound: true })
    }
    // What lies under a camera is no wish to go on to it.
    if (open && scan.source === 'camera') return ok({ outcome: 'checked', isSound: false })
    return openWith({ gtin, raw }, submit)
  }

  const takeControl = async (
    kind: string,
    scan: Scan,
    submit: () => Promise<Result<ScanAnswer>>,
  ): Promise<Result<ScanAnswer>> => {
    const open = current()
    if (open && (kind === 'quantity' || kind === 'tenfold'))
      return fail('conflict', 'a photographed product has no quantity')
    if (open && kind === 'undo') {
      const last = counted(store.captures.getMany(shotItems.photos(open.item.id))).at(-1)
      if (!last || last.sessionId !== open.session.id) return fail('not_found', 'nothing is left to undo')
      remove(last.id)
      const { deviceName } = scan
      return ok({
        outcome: 'control',
        command: { kind: 'undo' },
        sessionId: open.session.id,
        deviceName,
        capture: store.captures.get(last.id),
      })
    }
    const hasPhotos = open !== null && counted(store.captures.getMany(shotItems.photos(open.item.id))).length > 0
    const answered = await submit()
    if (kind === 'end' && open && answered.ok && hasPhotos) shotItems.submit(open.item.id)
    ports.changed()
    return answered
  }

  // --- Photos ---------------------------------------------------------------------------------------

  const remove = (id: string): void => {
    store.captures.undo(id)
    ports.capturesChanged([id])
  }

  /** A photo that can still be changed: one of the open item, of its present session. */
  const changeable = (captureId: string): Result<{ item: ShotItem; session: Session; capture: Capture }> => {
    const open = current()
    const capture = store.captures.get(captureId)
    if (!capture || capture.photo === null) return fail('not_found', 'no such photo')
    if (!open || capture.sessionId !== open.session.id)
      return fail('conflict', 'it has been submitted: photograph it again instead')
    return ok({ ...open, capture })
  }

  const handlers: Shooting['handlers'] = {
    'item.attend': ({ window, on }) => {
      if (on) windows.set(window, clock.monotonicMs() + attendMs)
      else windows.delete(window)
      return ok(desk())
    },
    'item.desk': () => ok(desk()),
    'item.list': ({ limit }) => ok(shotItems.list(limit).map(entry)),
    'item.open': ({ itemId }) =>
      inTurn(async () => {
        const item = shotItems.get(itemId)
        return item ? await comeBack(item) : fail('not_found', 'no such item')
      }),
    'item.leave': () =>
      inTurn(async () => {
        await end(false)
        return answer()
      }),
    'item.submit': () =>
      inTurn(async () => {
        await photosCaptured()
        const open = current()
        if (!open) return fail('conflict', 'no item is open')
        if (counted(store.captures.getMany(shotItems.photos(open.item.id))).length === 0)
          return fail('conflict', 'it has no photo yet')
        await end(true)
        return answer()
      }),
    'item.setList': ({ itemId, listId }) => {
      if (!shotItems.get(itemId)) return fail('not_found', 'no such item')
      if (!ports.settings().lists.some(({ id }) => id === listId)) return fail('not_found', 'no such shot list')
      shotItems.change(itemId, { list: listId })
      ports.rememberList(listId)
      return answer()
    },
    'item.classify': ({ captureId, view }) => {
      const found = changeable(captureId)
      if (!found.ok) return found
      if (found.value.capture.photoRole !== view) {
        store.captures.classify(captureId, view)
        ports.capturesChanged([captureId])
      }
      return answer()
    },
    'item.move': ({ captureId, place }) => {
      const found = changeable(captureId)
      if (!found.ok) return found
      const order = photosOf(found.value.item)
        .map((photo) => photo.captureId)
        .filter((id) => id !== captureId)
      shotItems.change(found.value.item.id, { order: order.toSpliced(place, 0, captureId) })
      return answer()
    },
    'item.remove': ({ captureId }) => {
      const found = changeable(captureId)
      if (!found.ok) return found
      if (found.value.capture.disposition === 'counted') remove(captureId)
      return answer()
    },
    'item.restore': async ({ captureId }) => {
      const found = changeable(captureId)
      if (!found.ok) return found
      const { item, session, capture } = found.value
      const photo = store.photos.get(capture.photo ?? '')
      if (!photo) return fail('not_found', 'the photo is gone')
      if (capture.disposition === 'counted') return answer()
      const { upload, hash } = photo
      const reference = { photo: hash, upload, role: capture.photoRole, ofCapture: shotItems.codeOf(session.id) }
      const restored = await capturing.image(reference, [], capture.deviceName)
      if (!restored.ok) return restored
      const order = photosOf(item).map((each) => each.captureId)
      const id = restored.value.capture.id
      const place = item.order.includes(captureId) ? item.order.indexOf(captureId) : order.indexOf(id)
      shotItems.change(item.id, { order: order.filter((each) => each !== id).toSpliced(place, 0, id) })
      return answer()
    },
    'item.lookUp': async ({ itemId }) => {
      const item = shotItems.get(itemId)
      if (!item) return fail('not_found', 'no such item')
      await lookUp(item.gtin)
      return answer()
    },
  }

  return {
    handlers,
    desk,
    take(scan, submit) {
      const open = current()
      if (!open && (store.sessions.current() !== null || !isAttended())) return null
      const control = readControlCode(scan.data)
      if (control.kind === 'damaged') return null
      if (control.kind === 'command') return inTurn(() => takeControl(control.command.kind, scan, submit))
      return inTurn(() => takeCode(scan, submit))
    },
    photo(role, replaces) {
      const open = current()
      if (!open) return null
      const { item, session } = open
      const old = replaces === null ? null : store.captures.get(replaces)
      const replaced = old?.sessionId === session.id && old.disposition === 'counted' ? old : null
      const view = replaced?.photoRole ?? viewOfNew(role, viewsFor(item, photosOf(item), viewsComing(item.id)))
      const key = Symbol(view)
      const { promise: over, resolve } = Promise.withResolvers<void>()
      coming.set(key, { itemId: item.id, view, seen: null, over })
      return {
        itemId: item.id,
        view,
        ofCapture: shotItems.codeOf(session.id),
        seen(photo, quality) {
          coming.set(key, { itemId: item.id, view, seen: { photo, quality }, over })
          ports.seen()
        },
        judge(photo) {
          const others = counted(store.captures.getMany(shotItems.photos(item.id)))
          const hashes = others.flatMap((each) => (each.id === replaced?.id ? [] : (each.photo ?? [])))
          // One whose codes are being read is none of them yet.
          return judged(item, view, photo, photo.codes === null ? [...hashes, photo.hash] : hashes)
        },
        done(captureId) {
          coming.delete(key)
          resolve()
          if (captureId !== null && replaced) {
            const order = photosOf(item).map((photo) => photo.captureId)
            const others = order.filter((id) => id !== captureId && id !== replaced.id)
            shotItems.change(item.id, { order: others.toSpliced(order.indexOf(replaced.id), 0, captureId) })
            remove(replaced.id)
          }
          ports.changed()
        },
      }
    },
    isItem: (session) => shotItems.ofSession(session.id) !== null,
    lookUpAgain() {
      const open = current()
      if (open && productOf(open.item).state === 'unknown_here') void lookUp(open.item.gtin)
    },
  }
}
