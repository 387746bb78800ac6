import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { ViewState } from '#contract/station/item.ts'
import type { PhotoFault, PhotoQuality } from '#contract/station/photo-quality.ts'
import type { Expectation, ShotList, ShotListView } from '#contract/station/shot-list.ts'
import { judgeSameProduct } from './review/same-product.ts'

/** What a shot list asks of a photo: only ones that count are looked at. */
export interface ShownView {
  readonly view: PhotoRole
  readonly verdict: PhotoQuality['verdict'] | null
}

/** A view of the list, and what there is of it. */
export interface ListedView extends ShotListView {
  readonly state: ViewState
  readonly photos: number
}

/** How each view of a list stands: the best photo of it counts. */
export function viewsOf(list: ShotList, photos: readonly ShownView[]): readonly ListedView[] {
  return list.views.map((wanted) => {
    const own = photos.filter(({ view }) => view === wanted.view)
    return { ...wanted, state: stateOf(own), photos: own.length }
  })
}

function stateOf(photos: readonly ShownView[]): ViewState {
  if (photos.length === 0) return 'missing'
  // A photo without a verdict is one from before there were any.
  if (photos.some(({ verdict }) => verdict === 'good' || verdict === null)) return 'good'
  return photos.some(({ verdict }) => verdict === 'check') ? 'check' : 'retake'
}

/** The view to shoot next: a required one that is not there, then one that cannot be read, then one that is welcome. */
export function nextView(views: readonly ListedView[]): PhotoRole | null {
  const isOwed = ({ required, state }: ListedView): boolean => required && (state === 'missing' || state === 'retake')
  return (views.find(isOwed) ?? views.find(({ state }) => state === 'missing'))?.view ?? null
}

/** How many required views are not there, or cannot be read. */
export function missingOf(views: readonly ListedView[]): number {
  return views.filter(({ required, state }) => required && (state === 'missing' || state === 'retake')).length
}

/** What a new photo shows: what its camera always shows, else what is wanted next. */
export function viewOfNew(role: PhotoRole | null, views: readonly ListedView[]): PhotoRole {
  return role !== null && role !== 'other' ? role : (nextView(views) ?? 'other')
}

/** A camera that shoots, and the view that it always has; null for one that is turned to whatever is wanted. */
export interface ShootingCamera {
  readonly key: string
  readonly role: PhotoRole | null
}

/**
 * Which cameras take a photo at the next shot, and of which view. All whose view is owed shoot at once; where none has the
 * view that is wanted, the first camera takes it, and where nothing is wanted any more, all shoot again.
 */
export function planShots(
  cameras: readonly ShootingCamera[],
  views: readonly ListedView[],
  target: PhotoRole | null,
): readonly { readonly key: string; readonly view: PhotoRole | null }[] {
  const wanted = target ?? nextView(views)
  const fixed = cameras.map(({ key, role }) => ({ key, view: role === 'other' ? null : role }))
  if (wanted === null) return fixed
  const isOwed = (view: PhotoRole): boolean =>
    view === wanted || views.some((each) => each.view === view && (each.state === 'missing' || each.state === 'retake'))
  const owed = fixed.filter(({ view }) => view !== null && isOwed(view))
  if (owed.some(({ view }) => view === wanted)) return owed
  const free = fixed.find(({ view }) => view === null) ?? fixed[0]
  return free ? [{ key: free.key, view: wanted }, ...owed.filter(({ key }) => key !== free.key)] : owed
}

/** A code in a photo, as far as it tells of the product. */
export interface PhotoCode {
  /** GTIN-14; null for a code that holds none. */
  readonly gtin: string | null
  /** How far its reading direction is turned clockwise from left to right, in degrees from 0 to 360; null when unknown. */
  readonly degrees: number | null
}

/** Below this share of legible print a panel that is to be read is photographed again. */
const leastLegibility = 0.5
/** A code that is turned by so much from upside down was on a product that stood so. */
const upsideDownDegrees = 30

/**
 * What is wrong with a photo of an item, beyond what the picture alone tells: the codes in it must be the item's, and
 * what its view is wanted for must be there.
 */
export function faultsInItem(photo: {
  /** The item's; null where its code holds none: then no code can contradict it. */
  readonly gtin: string | null
  readonly view: PhotoRole
  /** Null while they are being read: nothing is said of them yet. */
  readonly codes: readonly PhotoCode[] | null
  readonly expects: readonly Expectation[]
  readonly quality: PhotoQuality
}): PhotoFault[] {
  const { gtin, view, codes, expects, quality } = photo
  const faults: PhotoFault[] = []
  if (expects.includes('print') && (quality.legibility ?? 0) < leastLegibility) faults.push('not_legible')
  if (codes === null) return faults
  const photoGtins = codes.flatMap((code) => code.gtin ?? [])
  const same = judgeSameProduct({ itemGtin: gtin, photoGtins, text: null, view, product: null })
  if (same.verdict === 'other') faults.push('other_product')
  else if (same.verdict === 'check') faults.push('other_pack')
  const turned = codes.flatMap(({ degrees }) => degrees ?? [])
  if (turned.length > 0 && turned.every((degrees) => Math.abs(degrees - 180) <= upsideDownDegrees))
    faults.push('upside_down')
  if (expects.includes('code') && codes.length === 0) faults.push('no_code')
  return faults
}
