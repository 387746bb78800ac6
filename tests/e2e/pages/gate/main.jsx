// What a visitor of a gate sees, without a station: the test says which view, and in which language.
import '#renderer/app/zod-setup.ts'
import '#renderer/ui/tokens.css'
import '#renderer/ui/base.css'
import '#renderer/ui/controls.css'
import '#renderer/app/app.css'
import '#renderer/features/gate/gate.css'
import { flushSync } from 'react-dom'
import { createRoot } from 'react-dom/client'
import { I18nextProvider } from 'react-i18next'
import { visitorLanguages } from '#contract/station/gate.ts'
import { verdictCodes } from '#contract/gate/verdict.ts'
import { i18n, loadTexts } from '#renderer/app/i18n.ts'
import { Face } from '#renderer/features/gate/Face.tsx'
import { Visitor } from '#renderer/features/gate/Visitor.tsx'

const agoMs = 25 * 60_000
const verdictOf = (code) => ({
  code,
  result: verdictCodes[code],
  mode: code.startsWith('offline') ? 'offline' : 'online',
  dataAgeMs: code.startsWith('offline') ? agoMs : null,
  usedBefore: { at: new Date(Date.now() - agoMs).toISOString(), gate: 'north', input: 'qrcode' },
})
const root = createRoot(document.getElementById('root'))

window.views = ['attract', 'ready', 'leaving', 'checking', 'failed', 'out_of_order']
window.codes = Object.keys(verdictCodes)
window.languages = visitorLanguages
window.show = (name, language) => {
  const isView = window.views.includes(name)
  const view = isView ? { name, sinceMs: 0 } : { name: 'result', sinceMs: 0, verdict: verdictOf(name) }
  const site = name === 'out_of_order' || name.startsWith('offline') ? 'offline' : 'online'
  const list = { state: 'current', values: 5, left: 0, bytes: 1, ageMs: agoMs }
  flushSync(() =>
    root.render(
      <I18nextProvider i18n={i18n}>
        <main className="gate gate-visitor">
          <Visitor
            key={language}
            languages={[language, ...visitorLanguages.filter((one) => one !== language)]}
            isAway={false}
          >
            <Face
              isTouchable
              view={view}
              status={{ gate: 'north', direction: name === 'exited' ? 'exit' : 'entry', site, list }}
            />
          </Visitor>
        </main>
      </I18nextProvider>,
    ),
  )
}
/** What does not fit is cut off or lies over something else: each part stays in the screen, and what is said in its own room. */
window.spilt = () => {
  const room = document.querySelector('.gate-said').getBoundingClientRect()
  const screen = { top: 0, left: 0, right: innerWidth, bottom: innerHeight }
  return [...document.querySelectorAll('.gate-face, .gate-face > *, .gate-said > *, .gate-language')]
    .filter((part) => {
      const { top, left, right, bottom } = part.getBoundingClientRect()
      const within = part.parentElement.className === 'gate-said' ? room : screen
      const isInside =
        top >= within.top - 1 && left >= within.left - 1 && right <= within.right + 1 && bottom <= within.bottom + 1
      return !isInside || part.scrollWidth > part.clientWidth + 1
    })
    .map((part) => part.getAttribute('class'))
}
await Promise.all(visitorLanguages.map(loadTexts))
window.isReady = true
