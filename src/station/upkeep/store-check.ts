import type { Store } from '#station/store/store.ts'

/** The first minute after a start belongs to whoever waits for it. */
const usualAfterMs = 60_000

/** The check of the store that the start has left for later. */
export interface StoreCheck {
  /** It has found the store corrupt: the next start rebuilds it. */
  isDamaged(): boolean
  close(): void
}

/** Waits for its time, if there is a check to be made; `onDamage` is called when it finds something. */
export function planStoreCheck(ports: {
  readonly store: Pick<Store, 'checkBehind'>
  readonly afterMs?: number | undefined
  readonly onDamage: () => void
}): StoreCheck {
  const { store, afterMs = usualAfterMs, onDamage } = ports
  let isDamaged = false
  const check = async (): Promise<void> => {
    const faults = await store.checkBehind?.()
    isDamaged = (faults?.length ?? 0) > 0
    if (isDamaged) onDamage()
  }
  const timer = store.checkBehind === null ? undefined : setTimeout(() => void check(), afterMs)
  timer?.unref()
  return { isDamaged: () => isDamaged, close: () => clearTimeout(timer) }
}
