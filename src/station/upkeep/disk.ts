import { statfs } from 'node:fs/promises'
import type { Settings } from '#contract/station/settings.ts'
import type { StationStatus } from '#contract/station/status.ts'
import type { Store } from '#station/store/store.ts'

/** Below this the station says that the disk is nearly full. */
const lowBytes = 500 * 1024 * 1024
const lookMs = 30_000

/** The room on the station's disk. */
export interface Disk {
  status(): Omit<StationStatus['storage'], 'isDamaged' | 'recovered'>
  measure(): Promise<void>
  /** Photos stop before the disk is full, so that there is room for scans, which need little. Looks now. */
  hasRoomForPhotos(): Promise<boolean>
  /** The disk has taken a scan: it is full no more. */
  took(): void
  /** The disk has refused something. */
  refused(): void
  close(): void
}

/** Looks every half minute; `onChange` is called when the status says something else. */
export function watchDisk(ports: {
  readonly dataDir: string
  readonly store: Pick<Store, 'media'>
  readonly settings: () => Settings['photo']
  readonly onChange: () => void
}): Disk {
  const { dataDir, store, onChange } = ports
  let freeBytes: number | null = null
  let isFull = false
  let arePhotosStopped = false
  const isLow = (): boolean => freeBytes !== null && freeBytes < lowBytes

  const measure = async (): Promise<void> => {
    const [wasKnown, wasLow] = [freeBytes !== null, isLow()]
    freeBytes = await statfs(dataDir).then(
      (disk) => disk.bavail * disk.bsize,
      () => null,
    )
    if (freeBytes !== null && (!wasKnown || wasLow !== isLow())) onChange()
  }
  const hasRoomForPhotos = async (): Promise<boolean> => {
    await measure()
    const { reserveMegabytes, quotaMegabytes } = ports.settings()
    const isReserved = freeBytes !== null && freeBytes < reserveMegabytes * 1_000_000
    const isUsedUp = quotaMegabytes > 0 && (await store.media.usedBytes()) >= quotaMegabytes * 1_000_000
    if (arePhotosStopped !== (isReserved || isUsedUp)) onChange()
    arePhotosStopped = isReserved || isUsedUp
    return !arePhotosStopped
  }
  const timer = setInterval(() => void hasRoomForPhotos(), lookMs)
  timer.unref()
  return {
    status: () => ({ state: isFull ? 'full' : isLow() ? 'low' : 'ok', freeBytes, arePhotosStopped }),
    measure,
    hasRoomForPhotos,
    took: () => void (isFull = false),
    refused() {
      isFull = true
      onChange()
    },
    close: () => clearInterval(timer),
  }
}
