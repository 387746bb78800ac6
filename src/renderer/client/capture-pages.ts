import { useCallback, useEffect, useRef, useState } from 'react'
import type { Capture, CaptureFilter } from '#contract/station/capture.ts'
import type { AppError } from '#contract/result.ts'
import { call, connection, subscribe } from './station.ts'

const pageSize = 100
const largestPage = 500
/** Events come in bursts; a filtered list asks again once per pause of this length. */
const settleMs = 250

/** A session's captures, newest first, as far as they have been asked for. */
export interface CapturePages {
  readonly captures: readonly Capture[]
  /** How many there are with this filter and search, loaded or not. */
  readonly total: number
  readonly loading: boolean
  readonly error: AppError | null
  /** Loads the next page; does nothing while one is on its way or none is left. */
  readonly more: () => void
}

const empty = { captures: [] as readonly Capture[], total: 0, loading: true, error: null as AppError | null }

/**
 * Follows a session's list. Unfiltered, new scans are put on top as their events come; with a filter or a search
 * only the station can say what belongs in, so it is asked again.
 */
export function useCapturePages(sessionId: string, filter: CaptureFilter, search: string): CapturePages {
  const [pages, setPages] = useState(empty)
  const count = useRef(0)
  const busy = useRef(false)
  count.current = pages.captures.length

  const reload = useCallback(async () => {
    const limit = Math.min(largestPage, Math.max(pageSize, count.current))
    const result = await call('capture.list', { sessionId, filter, search, limit })
    return result.ok
      ? { ...result.value, loading: false, error: null }
      : (current: typeof empty) => ({ ...current, loading: false, error: result.error })
  }, [sessionId, filter, search])

  useEffect(() => {
    let live = true
    let timer: ReturnType<typeof setTimeout> | undefined
    count.current = 0
    setPages(empty)
    const refresh = () => void reload().then((next) => live && setPages(next))
    const settle = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        refresh()
      }, settleMs)
    }
    const plain = filter === 'all' && search === ''
    const stops = [
      connection.onChange((open) => open && refresh()),
      subscribe('scan.taken', ({ capture }) => {
        if (capture.sessionId !== sessionId) return
        if (!plain) return settle()
        setPages((current) =>
          current.captures.some(({ id }) => id === capture.id)
            ? current
            : {
                ...current,
                captures: [capture, ...current.captures].sort((a, b) => b.sequence - a.sequence),
                total: current.total + 1,
              },
        )
      }),
      subscribe('capture.changed', ({ captures }) => {
        const changed = new Map(captures.filter((one) => one.sessionId === sessionId).map((one) => [one.id, one]))
        if (changed.size === 0) return
        setPages((current) => ({ ...current, captures: current.captures.map((one) => changed.get(one.id) ?? one) }))
        if (!plain) settle()
      }),
    ]
    refresh()
    return () => {
      live = false
      clearTimeout(timer)
      for (const stop of stops) stop()
    }
  }, [reload, sessionId, filter, search])

  const more = useCallback(() => {
    if (busy.current) return
    busy.current = true
    void call('capture.list', { sessionId, filter, search, offset: count.current, limit: pageSize }).then((result) => {
      busy.current = false
      if (!result.ok) return setPages((current) => ({ ...current, error: result.error }))
      setPages((current) => {
        const known = new Set(current.captures.map(({ id }) => id))
        const added = result.value.captures.filter(({ id }) => !known.has(id))
        return { ...current, captures: [...current.captures, ...added], total: result.value.total }
      })
    })
  }, [sessionId, filter, search])

  return { ...pages, more }
}
