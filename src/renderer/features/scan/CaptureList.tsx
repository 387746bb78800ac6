import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useCallback, useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from 'react'
import type { RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPaths } from '#contract/station/http.ts'
import type { AppError, Result } from '#contract/result.ts'
import { captureFilterSchema } from '#contract/station/capture.ts'
import type { Capture, CaptureFilter } from '#contract/station/capture.ts'
import { useCapturePages } from '../../client/capture-pages.ts'
import { takeCapture, useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { canBecomeProduct, captureView, isRetryable } from '../../ui/capture-view.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field } from '../../ui/Fields.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'
import { StateShape } from '../../ui/StateShape.tsx'
import { timeOfDay } from '../../ui/time.ts'
import { Marks } from './Marks.tsx'
import { Quantity } from './Quantity.tsx'

const rowHeight = 72
/** A longer value would not fit a row; its GTIN says enough there. */
const longestRaw = 20

/** All scans of the session, newest first; only what is in sight is in the document. */
export const CaptureList = memo(function CaptureList({
  sessionId,
  onCreate,
}: {
  readonly sessionId: string
  readonly onCreate: (from: Capture) => void
}) {
  const { t, i18n } = useTranslation()
  const [filter, setFilter] = useState<CaptureFilter>('all')
  const [search, setSearch] = useState('')
  const { captures, total, loading, error, more } = useCapturePages(sessionId, filter, search.trim())
  const [openId, setOpenId] = useState<string | null>(null)
  const toggle = useCallback((id: string) => setOpenId((open) => (open === id ? null : id)), [])

  const scroller = useRef<HTMLElement>(null)
  const fingerIn = useRef(false)
  // oxlint-disable-next-line react/incompatible-library -- its warning is for the React Compiler, which is not used
  const rows = useVirtualizer({
    count: captures.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: useCallback((index: number) => captures[index]?.id ?? index, [captures]),
    overscan: 6,
  })
  const newer = useAnchor(captures, scroller, () => fingerIn.current || openId !== null)
  const items = rows.getVirtualItems()
  const lastShown = items.at(-1)?.index ?? 0
  const height = rows.getTotalSize()
  const loadMore = useEffectEvent(more)
  useEffect(() => {
    if (captures.length < total && lastShown >= captures.length - 20) loadMore()
  }, [captures.length, total, lastShown])

  return (
    <div className="list">
      <div className="list-head">
        <Filters value={filter} onChange={setFilter} />
        <div className="list-search">
          <Search value={search} onChange={setSearch} />
          <output className="count">
            {t('scan.list.of', {
              shown: captures.length.toLocaleString(i18n.language),
              total: total.toLocaleString(i18n.language),
            })}
          </output>
        </div>
      </div>
      {error !== null && <ErrorNote error={error} />}
      {newer > 0 && (
        <Button onPress={() => scroller.current?.scrollTo({ top: 0 })}>{t('scan.list.newer', { count: newer })}</Button>
      )}
      <section
        className="list-scroller"
        ref={scroller}
        // Chromium lets the keyboard scroll only what can be focused.
        tabIndex={0}
        aria-label={t('scan.list.title')}
        onPointerDown={() => (fingerIn.current = true)}
        onPointerUp={() => (fingerIn.current = false)}
        onPointerCancel={() => (fingerIn.current = false)}
      >
        {captures.length === 0 && !loading && (
          <p className="list-none">{t(filter === 'all' && search === '' ? 'scan.list.empty' : 'scan.list.none')}</p>
        )}
        <ol className="list-rows" style={{ height }}>
          {items.map(({ key, index, end }) => {
            const capture = captures[index]
            if (capture === undefined) return null
            const isOpen = openId === capture.id
            return (
              <li
                key={key}
                data-index={index}
                // All rows but the open one are of one height; measuring each new one would lay the page out once more.
                ref={isOpen ? rows.measureElement : null}
                aria-setsize={total}
                aria-posinset={index + 1}
                style={{ transform: `translateY(${end - height}px)` }}
              >
                <Row capture={capture} isOpen={isOpen} onToggle={toggle} onCreate={onCreate} />
              </li>
            )
          })}
        </ol>
      </section>
    </div>
  )
})

/** Which captures are listed; drawn again when that changes, not with each scan. */
const Filters = memo(function Filters(props: {
  readonly value: CaptureFilter
  readonly onChange: (filter: CaptureFilter) => void
}) {
  const { t } = useTranslation()
  return (
    <Choices
      {...props}
      label={t('scan.list.filter')}
      hideLabel
      look="row"
      choices={captureFilterSchema.options.map((value) => ({ value, label: t(`scan.list.filters.${value}`) }))}
    />
  )
})

const Search = memo(function Search(props: { readonly value: string; readonly onChange: (search: string) => void }) {
  const { t } = useTranslation()
  const input = useRef<HTMLInputElement>(null)
  useShortcut('/', () => input.current?.focus())
  return <Field {...props} label={t('scan.list.search')} hideLabel keyName="/" maxLength={200} inputRef={input} />
})

/**
 * Keeps the row under a finger where it is when newer ones come on top, and counts those out of sight.
 *
 * At rest at the top the list follows along; scrolled away, touched or with an open row it stays.
 */
function useAnchor(
  captures: readonly Capture[],
  scroller: RefObject<HTMLElement | null>,
  isHeld: () => boolean,
): number {
  const [newer, setNewer] = useState(0)
  const top = useRef<string | undefined>(undefined)
  const held = useEffectEvent(isHeld)
  useLayoutEffect(() => {
    const before = top.current
    top.current = captures[0]?.id
    const element = scroller.current
    if (element === null || before === undefined) return
    const added = captures.findIndex(({ id }) => id === before)
    if (added <= 0 || (element.scrollTop < 4 && !held())) return
    element.scrollBy({ top: added * rowHeight, behavior: 'instant' })
    setNewer((count) => count + added)
  }, [captures, scroller])
  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    const onScroll = () => element.scrollTop < 4 && setNewer(0)
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => element.removeEventListener('scroll', onScroll)
  }, [scroller])
  return newer
}

/** Drawn again only when its own capture changes: a scan on top moves the rows below it and nothing more. */
const Row = memo(function Row(props: {
  readonly capture: Capture
  readonly isOpen: boolean
  readonly onToggle: (id: string) => void
  readonly onCreate: (from: Capture) => void
}) {
  const { capture, isOpen, onToggle, onCreate } = props
  const { t, i18n } = useTranslation()
  const online = useStation((state) => state.status?.backend.state === 'online')
  const [error, setError] = useState<AppError | null>(null)
  const { tone, word } = captureView(capture, online)
  const short = capture.raw.length > longestRaw ? (capture.gtin ?? capture.raw) : capture.raw
  const take = (result: Result<Capture>) => {
    setError(result.ok ? null : result.error)
    if (result.ok) takeCapture(result.value)
  }
  return (
    <article className="capture" data-tone={tone} data-counted={capture.disposition === 'counted'}>
      <button type="button" className="capture-main" aria-expanded={isOpen} onClick={() => onToggle(capture.id)}>
        {capture.photo === null ? (
          <StateShape tone={tone} size={30} />
        ) : (
          <span className="capture-thumb">
            <img src={stationPaths.thumbnail(capture.photo)} alt="" loading="lazy" />
            <StateShape tone={tone} size={22} />
          </span>
        )}
        <span className="capture-what">
          <span className="capture-name">
            {capture.product?.name ?? (short === '' ? t('scan.last.photo') : <CodeText raw={short} />)}
          </span>
          <span className="capture-sub">
            <b>{t(`capture.word.${word}`)}</b>
            {capture.product !== null && <CodeText raw={short} />}
          </span>
        </span>
        <span className="capture-side">
          <span className="capture-quantity">×{capture.quantity.toLocaleString(i18n.language)}</span>
          <time dateTime={capture.capturedAt}>{timeOfDay(capture.capturedAt, i18n.language)}</time>
        </span>
      </button>
      {isOpen && (
        <div className="capture-open">
          <Marks capture={capture} />
          {capture.syncError !== null && <q>{capture.syncError.message}</q>}
          {capture.errorMessage !== '' && <q>{capture.errorMessage}</q>}
          <div className="row">
            {capture.disposition === 'counted' && <Quantity capture={capture} onResult={take} />}
            {isRetryable(capture) && (
              <Button onPress={() => void call('capture.retry', { id: capture.id }).then(take)}>
                {t('scan.action.retry')}
              </Button>
            )}
            {canBecomeProduct(capture) && <Button onPress={() => onCreate(capture)}>{t('scan.action.create')}</Button>}
            {capture.disposition === 'counted' && (
              <Button onPress={() => void call('capture.undo', { id: capture.id }).then(take)}>
                {t('scan.action.undo')}
              </Button>
            )}
          </div>
          {error !== null && <ErrorNote error={error} />}
        </div>
      )}
    </article>
  )
})
