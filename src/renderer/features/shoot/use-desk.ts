import { useCallback, useEffect, useRef, useState } from 'react'
import type { AppError, Result } from '#contract/result.ts'
import type { Desk, ItemPhoto } from '#contract/station/item.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import { scanQueue, startSessionsWith } from '../../client/scans.ts'
import { call, follow, onMissed } from '../../client/station.ts'

/** This window, as the station knows it from others. */
const window = crypto.randomUUID()
/** The station forgets a window that says nothing for a minute. */
const attendMs = 20_000

/** The desk as this window has it, and what a person does with its photos. */
export interface DeskWork {
  /** Null until the station has answered. */
  readonly desk: Desk | null
  readonly error: AppError | null
  readonly canUndo: boolean
  readonly open: (itemId: string) => void
  readonly leave: () => void
  readonly submit: () => void
  readonly setList: (itemId: string, listId: string) => void
  readonly classify: (photo: ItemPhoto, view: PhotoRole) => void
  /** To another place among the photos of its item. */
  readonly move: (photo: ItemPhoto, from: number, to: number) => void
  readonly remove: (photo: ItemPhoto) => void
  readonly restore: (photo: ItemPhoto) => void
  /** Takes the last change of a photo back. */
  readonly undo: () => void
}

type Answer = Result<Desk>

/** Follows the desk, and has scans open items while the screen is shown. */
export function useDesk(): DeskWork {
  const [desk, setDesk] = useState<Desk | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const [undoing, setUndoing] = useState<readonly (() => Promise<Answer>)[]>([])
  const itemId = useRef<string | null>(null)

  const take = useCallback((next: Desk): void => {
    // What was done to the photos of another item is not taken back from here.
    if ((next.item?.id ?? null) !== itemId.current) setUndoing([])
    itemId.current = next.item?.id ?? null
    setDesk(next)
  }, [])

  useEffect(() => {
    const attend = () =>
      void call('item.attend', { window, on: true }).then((answer) => {
        if (answer.ok) take(answer.value)
        else setError(answer.error)
      })
    attend()
    const timer = setInterval(attend, attendMs)
    const stops = [
      onMissed(attend),
      follow('item.changed', take),
      // The station opens the item for it.
      startSessionsWith((scan) => void scanQueue.push(scan)),
    ]
    return () => {
      clearInterval(timer)
      for (const stop of stops) stop()
      void call('item.attend', { window, on: false })
    }
  }, [take])

  const act = async (ask: () => Promise<Answer>, inverse?: (answer: Desk) => () => Promise<Answer>): Promise<void> => {
    const answer = await ask()
    setError(answer.ok ? null : answer.error)
    if (!answer.ok) return
    take(answer.value)
    if (inverse) setUndoing((before) => [...before, inverse(answer.value)])
  }
  const remove = (captureId: string) => call('item.remove', { captureId })
  const restore = (captureId: string) => call('item.restore', { captureId })
  /** Brought back, a photo is a new capture: the newest of its picture. */
  const present = ({ item }: Desk, photo: string): string =>
    item?.photos.findLast((each) => each.photo === photo && each.disposition === 'counted')?.captureId ?? ''

  return {
    desk,
    error,
    canUndo: undoing.length > 0,
    open: (id) => void act(() => call('item.open', { itemId: id })),
    leave: () => void act(() => call('item.leave', {})),
    submit: () => void act(() => call('item.submit', {})),
    setList: (id, listId) => void act(() => call('item.setList', { itemId: id, listId })),
    classify: ({ captureId, view: before }, view) =>
      void act(
        () => call('item.classify', { captureId, view }),
        () => () => call('item.classify', { captureId, view: before }),
      ),
    move: ({ captureId }, from, to) =>
      void act(
        () => call('item.move', { captureId, place: to }),
        () => () => call('item.move', { captureId, place: from }),
      ),
    remove: ({ captureId }) =>
      void act(
        () => remove(captureId),
        () => () => restore(captureId),
      ),
    restore: ({ captureId, photo }) =>
      void act(
        () => restore(captureId),
        (answer) => () => remove(present(answer, photo)),
      ),
    undo() {
      const last = undoing.at(-1)
      if (!last) return
      setUndoing(undoing.slice(0, -1))
      void act(last)
    },
  }
}
