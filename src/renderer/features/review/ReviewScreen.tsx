import { useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPaths } from '#contract/station/http.ts'
import { reviewKeysSchema, type ReviewAction } from '#contract/station/review-keys.ts'
import type { ReviewFigures, ReviewProduct, ReviewProposal } from '#contract/station/review.ts'
import { confidenceWord } from '#domain/review/cost.ts'
import { useNow, useStation } from '../../client/state.ts'
import { Button } from '../../ui/Button.tsx'
import type { Tone } from '../../ui/capture-view.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'
import { Note } from '../../ui/Note.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { ago, duration } from '../../ui/time.ts'
import { Evidence } from './Evidence.tsx'
import { keyLabel } from './keys.ts'
import './review.css'
import { fieldsOf, isOpen, useReview, type Review } from './use-review.ts'
import { PresentValue, ProposedValue } from './Value.tsx'

const tones: Readonly<Record<ReviewProposal['state'], Tone>> = {
  open: 'waiting',
  skipped: 'waiting',
  accepted: 'ok',
  edited: 'ok',
  applied: 'ok',
  rejected: 'info',
  stale: 'attention',
  taken: 'attention',
}

const defaults = reviewKeysSchema.parse({})

/** One field after another, with the evidence beside it; each answer is one key. */
export function ReviewScreen() {
  const { t } = useTranslation()
  const review = useReview()
  const { product, selected, figures, error } = review
  const [isPaused, setIsPaused] = useState(false)
  const [isChoosing, setIsChoosing] = useState(false)
  const isConfigured = useStation((state) => state.status?.backend.state !== 'unconfigured')
  if (!review.loaded)
    return error === null ? <p className="loading">{t('app.loading')}</p> : <ErrorNote error={error} />
  if (isPaused) {
    return (
      <section className="page">
        <header className="page-head">
          <h1>{t('review.paused')}</h1>
        </header>
        <p className="nothing">{t('review.paused_lead')}</p>
        <Button
          kind="primary"
          large
          autoFocus
          keyName="Enter"
          onPress={() => {
            setIsPaused(false)
            review.resume()
          }}
        >
          {t('review.go_on')}
        </Button>
      </section>
    )
  }
  if (product === null || figures === null) {
    return (
      <section className="page">
        <header className="page-head">
          <h1>{t('review.title')}</h1>
          <p className="hint">{figures !== null && <Asked figures={figures} />}</p>
        </header>
        {error !== null && <ErrorNote error={error} />}
        <ProbeNote probe={review.probe} />
        {figures !== null && figures.reading > 0 ? (
          <p className="nothing">{t('review.nothing_yet', { count: figures.reading })}</p>
        ) : (
          <p className="nothing">{t(isConfigured ? 'review.nothing' : 'review.unconfigured')}</p>
        )}
        {figures?.probes && figures.probes.answered > 0 && (
          <p className="hint">
            {t('review.precision')}:{' '}
            {t('review.precision_of', { right: figures.probes.right, count: figures.probes.answered })}
          </p>
        )}
      </section>
    )
  }
  return (
    <section className="review filling">
      <Head
        review={review}
        product={product}
        figures={figures}
        isChoosing={isChoosing}
        onChoose={() => setIsChoosing(!isChoosing)}
        onPause={() => {
          review.pause()
          setIsPaused(true)
        }}
      />
      {isChoosing && <Waiting review={review} product={product} onClose={() => setIsChoosing(false)} />}
      {product.proposals.length === 0 && <NothingRead review={review} product={product} />}
      {product.proposals.length > 0 && <Fields review={review} product={product} />}
      {selected !== null && <Work review={review} product={product} selected={selected} />}
    </section>
  )
}

function Asked({ figures }: { readonly figures: ReviewFigures }) {
  const { t, i18n } = useTranslation()
  const now = useNow()
  if (figures.fetchError !== null) return <q>{figures.fetchError}</q>
  return figures.fetchedAt === null
    ? t('review.never_asked')
    : t('review.asked', { ago: ago(Date.parse(figures.fetchedAt), now, i18n.language) })
}

/** How a known value was answered. */
function ProbeNote({ probe }: Pick<Review, 'probe'>) {
  const { t } = useTranslation()
  if (probe === null || probe.isRight === null) return null
  return probe.isRight ? (
    <Note tone="ok" text={t('review.probe_right')} />
  ) : (
    <Note tone="attention" text={t('review.probe_wrong')} />
  )
}

/** What waits, the most costly to get wrong first, to choose from. */
function Waiting(props: { readonly review: Review; readonly product: ReviewProduct; readonly onClose: () => void }) {
  const { review, product, onClose } = props
  const { t } = useTranslation()
  useShortcut('Esc', onClose)
  return (
    <dialog open className="review-waiting" aria-label={t('review.waiting_list')}>
      <h2>{t('review.waiting_list')}</h2>
      <ol>
        {review.entries.map((entry, index) => (
          <li key={entry.captureId}>
            <button
              type="button"
              className="entry"
              aria-current={entry.captureId === product.captureId ? 'true' : undefined}
              autoFocus={index === 0}
              onClick={() => {
                review.open(entry.captureId)
                onClose()
              }}
            >
              <StateShape tone={entry.isHeld ? 'info' : 'waiting'} size={24} />
              <span className="entry-what">
                <b>{entry.name || t('review.unnamed')}</b>
                <small>
                  {entry.open > 0
                    ? t('review.fields_left', { count: entry.open })
                    : t('review.photos_unread', { count: entry.unread })}
                  {entry.isHeld && ` · ${t('review.held_short')}`}
                </small>
              </span>
              {entry.gtin !== '' && <CodeText raw={entry.gtin} />}
            </button>
          </li>
        ))}
      </ol>
      <Button keyName="Esc" onPress={onClose}>
        {t('review.cancel')}
      </Button>
    </dialog>
  )
}

function Head(props: {
  readonly review: Review
  readonly product: ReviewProduct
  readonly figures: ReviewFigures
  readonly isChoosing: boolean
  readonly onChoose: () => void
  readonly onPause: () => void
}) {
  const { review, product, figures, isChoosing, onChoose, onPause } = props
  const { t, i18n } = useTranslation()
  const { today } = figures
  const applyKey = useStation((state) => state.settings?.review.keys.apply) ?? defaults.apply
  return (
    <header className="review-head">
      <div className="review-product">
        <h1>{product.name || t('review.unnamed')}</h1>
        {product.gtin !== '' && <CodeText raw={product.gtin} />}
      </div>
      <dl className="review-pace">
        <div>
          <dt>{t('review.left')}</dt>
          <dd>
            {figures.open === 0 && figures.products > 0
              ? t('review.products_unread', { count: figures.products })
              : `${t('review.fields_left', { count: figures.open })} ${t('review.products_left', { count: figures.products })}`}
          </dd>
        </div>
        <div>
          <dt>{t('review.today')}</dt>
          <dd>
            {t('review.products_done', { count: today.products })}, {t('review.decisions', { count: today.decisions })}
            {today.msPerProduct !== null &&
              ` · ${t('review.per_product', { time: duration(today.msPerProduct, i18n.language) })}`}
          </dd>
        </div>
        {figures.probes !== null && figures.probes.answered > 0 && (
          <div>
            <dt>{t('review.precision')}</dt>
            <dd>{t('review.precision_of', { right: figures.probes.right, count: figures.probes.answered })}</dd>
          </div>
        )}
        <div>
          <dt>{t('review.delivery')}</dt>
          <dd>
            {figures.refused > 0
              ? t('review.refused_of', { count: figures.refused })
              : figures.waiting > 0
                ? t('review.waiting_of', { count: figures.waiting })
                : t('review.all_told')}
          </dd>
        </div>
      </dl>
      <div className="row">
        <Button shortcut="l" aria-expanded={isChoosing} onPress={onChoose}>
          {t('review.choose_product')}
        </Button>
        <Button shortcut="p" onPress={onPause}>
          {t('review.pause')}
        </Button>
      </div>
      {review.error !== null &&
        (review.error.code === 'conflict' ? (
          <Note tone="attention" text={t('review.conflict')} quote={review.error.message} />
        ) : (
          <ErrorNote error={review.error} />
        ))}
      <ProbeNote probe={review.probe} />
      {figures.open === 0 && product.application?.delivery === 'sent' && <Note tone="ok" text={t('review.all_done')} />}
      {product.isReading ? (
        <Note tone="waiting" text={t('review.reading')} />
      ) : (
        isToApply(product) && <Note tone="info" text={t('review.apply_next', { key: keyLabel(applyKey) })} />
      )}
      {product.unread.length > 0 && product.proposals.length > 0 && <Unread review={review} product={product} />}
      {product.heldSince !== null && (
        <Note
          tone="attention"
          text={product.heldBy === '' ? t('review.held') : t('review.held_by', { name: product.heldBy })}
        />
      )}
      {figures.isTooFast && <Note tone="attention" text={t('review.too_fast')} />}
      {product.application?.refusal && (
        <Note tone="stop" text={t('review.apply_refused')} quote={product.application.refusal.message} />
      )}
      {product.application?.skipped.map(({ field, reason }) => (
        <Note
          key={field}
          tone="attention"
          text={t('review.not_written', { field: t(`review.field.${field}`, field) })}
          quote={reason}
        />
      ))}
    </header>
  )
}

/** Everything is decided, and something of it is to be written. */
function isToApply({ proposals, application, heldSince }: ReviewProduct): boolean {
  const isReady = proposals.some(({ state }) => state === 'accepted' || state === 'edited')
  return (
    isReady &&
    !proposals.some(isOpen) &&
    heldSince === null &&
    !['waiting', 'refused'].includes(application?.delivery ?? '')
  )
}

/** The photos that say nothing here, and why: what is printed on them has to come from somewhere else. */
function Unread({ review, product }: { readonly review: Review; readonly product: ReviewProduct }) {
  const { t } = useTranslation()
  const { unread: photos } = product
  return (
    <output className="note review-unread" data-tone="attention">
      <StateShape tone="attention" size={24} />
      <span>
        {t('review.unread', { count: photos.length })}
        {[...new Set(photos.map(({ reason }) => reason))].map((reason) => (
          <q key={reason}>{reason}</q>
        ))}
      </span>
      {photos.map(
        ({ photo }, index) =>
          photo !== null && (
            <img
              key={photo}
              src={stationPaths.thumbnail(photo)}
              alt={t('review.unread_photo', { number: index + 1 })}
            />
          ),
      )}
      {product.canReread && <UnreadActions review={review} product={product} />}
    </output>
  )
}

/** What can be done about unread photos, each with one touch. */
function UnreadActions({ review, product }: { readonly review: Review; readonly product: ReviewProduct }) {
  const { t } = useTranslation()
  const isHeld = product.heldSince !== null
  return (
    <span className="row">
      <Button
        kind={product.proposals.length === 0 ? 'primary' : 'plain'}
        shortcut="r"
        isDisabled={isHeld}
        onPress={review.reread}
      >
        {t('review.reread')}
      </Button>
      <Button shortcut="x" isDisabled={isHeld} onPress={review.leaveUnread}>
        {t('review.leave_unread')}
      </Button>
    </span>
  )
}

/** A product of which nothing was read: its photos, why, and what can be done. */
function NothingRead({ review, product }: { readonly review: Review; readonly product: ReviewProduct }) {
  const { t } = useTranslation()
  return (
    <section className="review-nothing" aria-label={t('review.unread_title')} tabIndex={0}>
      <h2 className="review-name">{t('review.unread_title')}</h2>
      <p>{t('review.unread_lead')}</p>
      {product.canReread && <UnreadActions review={review} product={product} />}
      <ul>
        {product.unread.map(({ photo, reason }, index) => (
          <li key={`${index} ${photo}`}>
            <q>{reason}</q>
            {photo === null ? (
              <p className="review-empty">{t('review.unread_elsewhere')}</p>
            ) : (
              <img src={stationPaths.media(photo)} alt={t('review.unread_photo', { number: index + 1 })} />
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The product's fields, the most costly to get wrong first, and how far each is. */
function Fields({ review, product }: { readonly review: Review; readonly product: ReviewProduct }) {
  const { t } = useTranslation()
  const fields = fieldsOf(product)
  const done = fields.filter(([, proposals]) => !proposals.some(isOpen)).length
  const list = useRef<HTMLOListElement>(null)
  const current = review.selected?.field
  useLayoutEffect(
    () => void list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' }),
    [current],
  )
  return (
    <nav className="review-fields" aria-label={t('review.fields')}>
      <p className="hint">{t('review.done_of', { done, total: fields.length })}</p>
      <progress value={done} max={fields.length} aria-hidden="true" />
      <ol ref={list}>
        {fields.map(([field, proposals]) => {
          const shown = proposals.find(({ state }) => state === 'accepted' || state === 'edited' || state === 'applied')
          const [first] = proposals
          const stands = proposals.find(isOpen) ?? shown ?? first
          if (stands === undefined) return null
          return (
            <li key={field}>
              <button
                type="button"
                className="entry"
                aria-current={current === field ? 'step' : undefined}
                onClick={() => review.select(stands.id)}
              >
                <StateShape tone={tones[stands.state]} size={24} />
                <span className="entry-what">
                  <b>{t(`review.field.${field}`, field)}</b>
                  <small>
                    {t(`review.state.${stands.state}`)}
                    {stands.delivery === 'waiting' && ` · ${t('review.not_told')}`}
                    {stands.delivery === 'refused' && ` · ${t('review.not_taken')}`}
                  </small>
                </span>
                {proposals.length > 1 && <span className="entry-count">{proposals.length}</span>}
              </button>
            </li>
          )
        })}
      </ol>
    </nav>
  )
}

/** The field under review, its evidence, and what can be done. */
function Work(props: { readonly review: Review; readonly product: ReviewProduct; readonly selected: ReviewProposal }) {
  const { review, product, selected } = props
  const { t } = useTranslation()
  const kept = useStation((state) => state.settings?.review.keys) ?? defaults
  // Of one field: with the next one it is over. The buttons stay, so that a key costs no more than what it changes.
  const [typed, setTyped] = useState<{ readonly of: string; readonly text: string } | null>(null)
  const draft = typed?.of === selected.id ? typed.text : null
  const setDraft = (text: string | null) => setTyped(text === null ? null : { of: selected.id, text })
  const work = useRef<HTMLElement>(null)
  const field = `${product.captureId} ${selected.field}`
  const shown = useRef('')
  // A new field is shown from its top, another value of the same field wherever it is.
  useLayoutEffect(() => {
    if (shown.current === field)
      work.current?.querySelector('[aria-current=true]')?.scrollIntoView({ block: 'nearest' })
    else work.current?.scrollTo(0, 0)
    shown.current = field
  }, [field, selected.id])
  const beside = product.proposals.filter(({ field }) => field === selected.field)
  const isHeld = product.heldSince !== null
  const isFixed = isHeld || ['applied', 'stale', 'taken'].includes(selected.state)
  const isClearLeft = product.proposals.some((proposal) => isOpen(proposal) && proposal.isClear)
  const isReady = product.proposals.some(({ state }) => state === 'accepted' || state === 'edited')
  const isOnItsWay = product.application?.delivery === 'waiting'
  const isDone = !product.proposals.some(isOpen)
  const edit = () => setDraft(selected.value ?? selected.proposed)
  const save = () => {
    if (draft === null) return
    setDraft(null)
    review.decide('edit', draft.trim())
  }
  useShortcut('Esc', draft === null ? undefined : () => setDraft(null))
  const action = (name: ReviewAction, run: () => void, isDisabled = false, kind: 'primary' | 'plain' = 'plain') => (
    <Action
      key={name}
      name={name}
      keyName={kept[name]}
      run={run}
      isDisabled={isDisabled || draft !== null}
      kind={kind}
    />
  )
  return (
    <>
      <section ref={work} className="review-work" aria-live="polite" aria-label={t('review.one_field')} tabIndex={0}>
        <h2 className="review-name">{t(`review.field.${selected.field}`, selected.field)}</h2>
        <div className="review-present">
          <h3>{t('review.present')}</h3>
          <PresentValue current={selected.current} proposed={selected.value ?? selected.proposed} />
        </div>
        <div className="review-values">
          {beside.map((proposal) => (
            <Proposed
              key={proposal.id}
              proposal={proposal}
              isSelected={proposal.id === selected.id}
              isAlone={beside.length === 1}
              onSelect={() => review.select(proposal.id)}
            />
          ))}
        </div>
        {draft !== null && (
          <form
            className="review-edit"
            onSubmit={(event) => {
              event.preventDefault()
              save()
            }}
          >
            <label htmlFor="review-own">{t('review.own_value')}</label>
            <textarea
              id="review-own"
              className="input"
              rows={selected.proposed.length > 80 ? 6 : 2}
              maxLength={10_000}
              value={draft}
              autoFocus
              onChange={({ target }) => setDraft(target.value)}
              onKeyDown={(event) => {
                if (event.key !== 'Enter' || event.shiftKey) return
                event.preventDefault()
                save()
              }}
            />
            <div className="row">
              <Button kind="primary" type="submit" keyName="Enter">
                {t('review.save_own')}
              </Button>
              <Button keyName="Esc" onPress={() => setDraft(null)}>
                {t('review.cancel')}
              </Button>
            </div>
          </form>
        )}
      </section>
      <Evidence key={selected.id} proposal={selected} zoomKey={kept.zoom} keyName={keyLabel(kept.zoom)} />
      <footer className="review-actions">
        {action('accept', () => review.decide('accept'), isFixed, isDone ? 'plain' : 'primary')}
        {action('reject', () => review.decide('reject'), isFixed)}
        {action('edit', edit, isFixed)}
        {action('skip', () => review.decide('skip'), isFixed || !isOpen(selected))}
        {action('undo', review.undo, review.figures?.canUndo !== true)}
        {action('previous', () => review.step(-1))}
        {action('next', () => review.step(1))}
        {beside.length > 1 && action('other', review.other)}
        {action('acceptClear', review.acceptClear, isHeld || !isClearLeft)}
        {action(
          'apply',
          review.apply,
          isHeld || !isReady || isOnItsWay,
          isDone && !product.isReading ? 'primary' : 'plain',
        )}
      </footer>
    </>
  )
}

function Action(props: {
  readonly name: ReviewAction
  readonly keyName: string
  readonly run: () => void
  readonly isDisabled: boolean
  readonly kind: 'primary' | 'plain'
}) {
  const { name, keyName, run, isDisabled, kind } = props
  const { t } = useTranslation()
  useShortcut(keyName, isDisabled ? undefined : run)
  return (
    <Button kind={kind} keyName={keyLabel(keyName)} isDisabled={isDisabled} onPress={run}>
      {t(`review.action.${name}`)}
    </Button>
  )
}

function Proposed(props: {
  readonly proposal: ReviewProposal
  readonly isSelected: boolean
  readonly isAlone: boolean
  readonly onSelect: () => void
}) {
  const { proposal, isSelected, isAlone, onSelect } = props
  const { t, i18n } = useTranslation()
  // The other values stand beside it.
  const doubts = proposal.doubts.filter((doubt) => isAlone || doubt !== 'alternatives')
  const percent = proposal.confidence.toLocaleString(i18n.language, { style: 'percent' })
  return (
    <article className="review-value" data-tone={tones[proposal.state]} aria-current={isSelected && !isAlone}>
      <header>
        <h3>{t(proposal.value === null ? 'review.proposed' : 'review.corrected')}</h3>
        {proposal.state !== 'open' && (
          <span className="review-state">
            <StateShape tone={tones[proposal.state]} size={20} />
            {t(`review.state.${proposal.state}`)}
          </span>
        )}
      </header>
      <ProposedValue field={proposal.field} current={proposal.current} value={proposal.value ?? proposal.proposed} />
      <p className="review-confidence">
        <meter min={0} max={1} value={proposal.confidence} aria-hidden="true" />
        <b>{t(`review.confidence.${confidenceWord(proposal.confidence)}`)}</b>
        <span>{percent}</span>
        <span className="hint">{t('review.source', { source: proposal.source })}</span>
      </p>
      {doubts.length > 0 && (
        <ul className="review-doubts">
          {doubts.map((doubt) => (
            <li key={doubt} data-tone="attention">
              <StateShape tone="attention" size={20} />
              {t(`review.doubt.${doubt}`, doubt)}
            </li>
          ))}
        </ul>
      )}
      {proposal.note !== '' && <q>{proposal.note}</q>}
      {proposal.refusal !== null && <q>{proposal.refusal.message}</q>}
      {proposal.reasoning !== '' && <p className="hint review-reasoning">{proposal.reasoning}</p>}
      {!isAlone && !isSelected && <Button onPress={onSelect}>{t('review.choose')}</Button>}
    </article>
  )
}
