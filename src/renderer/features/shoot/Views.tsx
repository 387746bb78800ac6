import type { CSSProperties } from 'react'
import { useTranslation } from 'react-i18next'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { Item, ViewState } from '#contract/station/item.ts'
import type { Tone } from '../../ui/capture-view.ts'
import { Key } from '../../ui/Button.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'
import { StateShape } from '../../ui/StateShape.tsx'

export const viewTones: Readonly<Record<ViewState, Tone>> = {
  good: 'ok',
  check: 'attention',
  retake: 'stop',
  missing: 'waiting',
}

/** The shot list: the view to shoot next, large, and how each view stands. */
export function Views(props: {
  readonly item: Item
  readonly target: PhotoRole | null
  readonly onTarget: (view: PhotoRole | null) => void
}) {
  const { item, target, onTarget } = props
  const { t } = useTranslation()
  const wanted = target ?? item.next
  const at = item.views.findIndex(({ view }) => view === wanted)
  const step = (by: 1 | -1) => {
    const { length } = item.views
    const view = item.views[at === -1 ? (by === 1 ? 0 : length - 1) : (at + by + length) % length]?.view ?? null
    onTarget(view === item.next ? null : view)
  }
  useShortcut('ArrowDown', () => step(1))
  useShortcut('ArrowUp', () => step(-1))
  const [expects] = item.views[at]?.expects ?? []
  return (
    <nav className="shoot-views" aria-label={t('shoot.views')}>
      <div className="shoot-next" aria-live="polite">
        <span>{wanted === null ? t('shoot.nothing_next') : t('shoot.next')}</span>
        {wanted !== null && <NextView name={t(`camera.role.${wanted}`)} />}
        <p>{wanted === null ? t('shoot.submit_next') : t(`shoot.expects.${expects ?? 'none'}`)}</p>
      </div>
      <ol>
        {item.views.map(({ view, state, required, photos }) => (
          <li key={view}>
            <button
              type="button"
              className="entry"
              aria-current={view === wanted ? 'step' : undefined}
              onClick={() => onTarget(view === item.next ? null : view)}
            >
              <StateShape tone={viewTones[state]} size={24} />
              <span className="entry-what">
                <b>{t(`camera.role.${view}`)}</b>
                <small>
                  {t(`shoot.view_state.${state}`)}
                  {!required && state === 'missing' && ` · ${t('shoot.optional')}`}
                </small>
              </span>
              {photos > 1 && <span className="entry-count">{photos}</span>}
            </button>
          </li>
        ))}
      </ol>
      <p className="hint shoot-keys">
        <Key name={'\u2191'} /> <Key name={'\u2193'} /> {t('shoot.choose_with')}
      </p>
    </nav>
  )
}

/** The view in letters so large that its longest word fits. */
function NextView({ name }: { readonly name: string }) {
  const letters = Math.max(...name.split(/[\s-]/).map((word) => word.length))
  return <strong style={{ '--letters': letters } as CSSProperties}>{name}</strong>
}
