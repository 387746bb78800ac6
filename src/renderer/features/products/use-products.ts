import { useCallback, useEffect, useRef, useState } from 'react'
import type { AppError, Result } from '#contract/result.ts'
import type { ProductBrief, ProductRecord } from '#contract/station/catalogue.ts'
import { call, onMissed, subscribe } from '../../client/station.ts'

/** So long after the last letter the server is asked; what is known here is shown at once. */
const typingMs = 250
const shown = 100

/** Where what is on the screen comes from: the server's answer, or only what this station has seen. */
export type Origin = { readonly kind: 'asking' | 'backend' } | { readonly kind: 'station'; readonly error: AppError }

export interface Products {
  readonly text: string
  readonly search: (text: string) => void
  readonly found: { readonly products: readonly ProductBrief[]; readonly total: number } | null
  readonly foundBy: Origin
  readonly record: ProductRecord | null
  readonly recordBy: Origin
  /** What went wrong with the last decision. */
  readonly error: AppError | null
  readonly open: (gtin: string) => void
  /** Decides, and shows the record as it is then; answers whether it was taken. */
  readonly act: (ask: () => Promise<Result<ProductRecord>>) => Promise<boolean>
}

const asking: Origin = { kind: 'asking' }

/** The catalogue as this window sees it: what this station knows at once, and the server's answer when it comes. */
export function useProducts(): Products {
  const [text, setText] = useState('')
  const [found, setFound] = useState<Products['found']>(null)
  const [foundBy, setFoundBy] = useState<Origin>(asking)
  const [record, setRecord] = useState<ProductRecord | null>(null)
  const [recordBy, setRecordBy] = useState<Origin>(asking)
  const [error, setError] = useState<AppError | null>(null)
  const openGtin = useRef<string | null>(null)
  const wanted = useRef('')

  const lookHere = useCallback(async (words: string): Promise<void> => {
    const here = await call('product.search', { text: words, from: 'station', limit: shown })
    if (here.ok && wanted.current === words) setFound(here.value)
  }, [])
  const lookThere = useCallback(async (words: string): Promise<void> => {
    const there = await call('product.search', { text: words, from: 'backend', limit: shown })
    if (wanted.current !== words) return
    if (there.ok) setFound(there.value)
    setFoundBy(there.ok ? { kind: 'backend' } : { kind: 'station', error: there.error })
  }, [])

  useEffect(() => {
    wanted.current = text
    void lookHere(text)
    const timer = setTimeout(() => void lookThere(text), text === '' ? 0 : typingMs)
    return () => clearTimeout(timer)
  }, [text, lookHere, lookThere])

  const show = useCallback((next: ProductRecord): void => {
    openGtin.current = next.gtin
    setRecord(next)
  }, [])
  const open = useCallback(
    async (gtin: string): Promise<void> => {
      openGtin.current = gtin
      setError(null)
      setRecordBy(asking)
      const here = await call('product.get', { gtin, from: 'station' })
      if (openGtin.current !== gtin) return
      if (here.ok) show(here.value)
      const there = await call('product.get', { gtin, from: 'backend' })
      // A merged product answers with the one that it was merged into.
      if (openGtin.current !== gtin) return
      if (there.ok) show(there.value)
      else if (!here.ok) setError(there.error)
      setRecordBy(there.ok ? { kind: 'backend' } : { kind: 'station', error: there.error })
    },
    [show],
  )

  useEffect(() => {
    const again = () => {
      void lookHere(wanted.current)
      const gtin = openGtin.current
      if (gtin === null) return
      void call('product.get', { gtin, from: 'station' }).then((answer) => {
        if (answer.ok && openGtin.current === gtin) setRecord(answer.value)
      })
    }
    const stops = [
      onMissed(again),
      subscribe('product.changed', again),
      // A code that is scanned here opens its product.
      subscribe('scan.taken', ({ capture }) => {
        if (capture.gtin !== null) void open(capture.gtin)
      }),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }, [lookHere, open])

  return {
    text,
    search(words) {
      setText(words)
      setFoundBy(asking)
    },
    found,
    foundBy,
    record,
    recordBy,
    error,
    open: (gtin) => void open(gtin),
    async act(ask) {
      const answer = await ask()
      setError(answer.ok ? null : answer.error)
      if (answer.ok) {
        show(answer.value)
        // One that was created here is not asked for: it is told.
        setRecordBy((by) => (by.kind === 'asking' ? { kind: 'backend' } : by))
      }
      return answer.ok
    },
  }
}
