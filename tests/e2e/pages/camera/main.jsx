// The camera view alone, with what it tells kept for the test to read.
import { createRef } from 'react'
import { createRoot } from 'react-dom/client'
import { createInstance } from 'i18next'
import { initReactI18next } from 'react-i18next'
import { CameraView } from '#renderer/camera/CameraView.tsx'
import texts from '#renderer/camera/texts.en.json'
import '#renderer/ui/tokens.css'

await createInstance()
  .use(initReactI18next)
  .init({ lng: 'en', resources: { en: { translation: { camera: texts } } } })

const camera = createRef()
window.told = { codes: [], states: [], violations: [], camera }
addEventListener('securitypolicyviolation', (event) => window.told.violations.push(event.violatedDirective))

const query = new URLSearchParams(location.search)
const known = JSON.parse(query.get('known') ?? '[]')
createRoot(document.getElementById('root')).render(
  <CameraView
    ref={camera}
    id={query.get('id')}
    known={known}
    region={query.get('region') ?? 'full'}
    onCode={(code) => window.told.codes.push(code)}
    onState={(state) => window.told.states.push(state)}
  />,
)
