// The camera view alone, with what it tells kept for the test to read.
import { createRef } from 'react'
import { createRoot } from 'react-dom/client'
import { createInstance } from 'i18next'
import { initReactI18next } from 'react-i18next'
import { CameraView } from '#renderer/features/scan/camera/CameraView.tsx'
import texts from '#renderer/features/scan/camera/texts.en.json'
import '#renderer/ui/tokens.css'

await createInstance()
  .use(initReactI18next)
  .init({ lng: 'en', resources: { en: { translation: { camera: texts } } } })

const camera = createRef()
window.told = { codes: [], states: [], violations: [], camera }
addEventListener('securitypolicyviolation', (event) => window.told.violations.push(event.violatedDirective))

const region = new URLSearchParams(location.search).get('region') ?? 'full'
createRoot(document.getElementById('root')).render(
  <CameraView
    ref={camera}
    settings={{ label: '', enabled: true, region }}
    onCode={(code) => window.told.codes.push(code)}
    onState={(state) => window.told.states.push(state)}
  />,
)
