import { useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Capture, CaptureFilter } from '#contract/station/capture.ts'
import type { AppError } from '#contract/result.ts'
import { call, follow, onMissed } from './station.ts'

const pageSize = 100
const largestPage = 500
/**
 * New scans beyond the pages that were asked for: older ones leave the list then and come back by scrolling, so that the
 * thousandth scan costs what the first one did.
 */
const newLimit = 500
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

interface Loaded {
  /** Which session, filter and search this is the answer to. */
  readonly key: string
  readonly captures: readonly Capture[]
  readonly total: number
  readonly error: AppError | null
}

/**
 * Follows a session's list. Unfiltered, new scans are put on top as their events come; with a filter or a search
 * only the station can say what belongs in, so it is asked again.
 */
export function useCapturePages(sessionId: string, filter: CaptureFilter, search: string): CapturePages {
  const key = JSON.stringify([sessionId, filter, search])
  const [loaded, setLoaded] = useState<Loaded>({ key: '', captures: [], total: 0, error: null })
  const busy = useRef(false)
  /** How many were asked for by scrolling. */
  const asked = useRef(pageSize)
  const current = loaded.key === key ? loaded : { key, captures: [], total: 0, error: null }
  const count = current.captures.length

  const ask = useEffectEvent(async (): Promise<(known: Loaded) => Loaded> => {
    const limit = Math.min(largestPage, Math.max(pageSize, count))
    const result = await call('capture.list', { sessionId, filter, search, limit })
    return (known) =>
      result.ok
        ? { key, ...result.value, error: null }
        : { ...(known.key === key ? known : { key, captures: [], total: 0 }), error: result.error }
  })

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isShown = true
    /** What was heard while a question was on its way, for each of them: its answer may be older. */
    const questions = new Set<Map<string, Capture>>()
    const hear = (captures: readonly Capture[]) => {
      for (const heard of questions) for (const capture of captures) heard.set(capture.id, capture)
    }
    const isPlain = filter === 'all' && search === ''
    const refresh = async () => {
      const heard = new Map<string, Capture>()
      questions.add(heard)
      const answer = await ask()
      questions.delete(heard)
      // A late answer to an earlier search must not take the place of the present one.
      if (isShown) setLoaded((known) => withHeard(answer(known), [...heard.values()], isPlain))
    }
    const settle = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        void refresh()
      }, settleMs)
    }
    const stops = [
      onMissed(() => void refresh()),
      follow('scan.taken', ({ outcome, capture }) => {
        if (capture.sessionId !== sessionId) return
        hear([capture])
        if (!isPlain) return settle()
        setLoaded((known) => {
          if (known.key !== key) return known
          return outcome === 'joined'
            ? withChanged(known, [capture])
            : withNew(known, capture, asked.current + newLimit)
        })
      }),
      follow('capture.changed', ({ captures }) => {
        const changed = captures.filter((one) => one.sessionId === sessionId)
        if (changed.length === 0) return
        hear(changed)
        setLoaded((known) => withChanged(known, changed))
        if (!isPlain) settle()
      }),
    ]
    void refresh()
    return () => {
      isShown = false
      clearTimeout(timer)
      for (const stop of stops) stop()
    }
  }, [key, sessionId, filter, search])

  const more = async () => {
    if (busy.current) return
    busy.current = true
    const result = await call('capture.list', { sessionId, filter, search, offset: count, limit: pageSize })
    busy.current = false
    if (result.ok) asked.current = count + result.value.captures.length
    setLoaded((known) => {
      if (known.key !== key) return known
      if (!result.ok) return { ...known, error: result.error }
      const ids = new Set(known.captures.map(({ id }) => id))
      const added = result.value.captures.filter(({ id }) => !ids.has(id))
      return { ...known, captures: [...known.captures, ...added], total: result.value.total, error: null }
    })
  }

  return { ...current, loading: loaded.key !== key, more: () => void more() }
}

/** Puts captures that are in the list already in their present state. */
function withChanged(known: Loaded, changed: readonly Capture[]): Loaded {
  const byId = new Map(changed.map((one) => [one.id, one]))
  return { ...known, captures: known.captures.map((one) => byId.get(one.id) ?? one) }
}

/** Puts what was heard since the question into its answer; only a list of everything takes new ones in. */
function withHeard(answer: Loaded, heard: readonly Capture[], isPlain: boolean): Loaded {
  const newest = answer.captures[0]?.sequence ?? 0
  return heard.reduce(
    (known, capture) =>
      isPlain && capture.sequence > newest
        ? withNew(known, capture, Number.POSITIVE_INFINITY)
        : withChanged(known, [capture]),
    answer,
  )
}

/** Puts a new scan on top; one that comes late, after newer ones, into its place. */
function withNew(known: Loaded, capture: Capture, limit: number): Loaded {
  const { captures } = known
  const isNewest = (captures[0]?.sequence ?? 0) < capture.sequence
  // A later code of an item may have said that it is a repeat.
  if (!isNewest && captures.some(({ id }) => id === capture.id)) return withChanged(known, [capture])
  const added = [capture, ...captures]
  return {
    ...known,
    captures: isNewest ? added.slice(0, limit) : added.sort((a, b) => b.sequence - a.sequence),
    total: known.total + 1,
  }
}
