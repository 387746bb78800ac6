import './zod-setup.ts'
import './trusted-types.ts'
import '../ui/tokens.css'
import '../ui/base.css'
import '../ui/controls.css'
import '../features/scan/scan.css'
import '../features/devices/devices.css'
import './app.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { I18nextProvider } from 'react-i18next'
import { visitorPath } from '#contract/page.ts'
import { App } from './App.tsx'
import { ErrorBoundary } from './ErrorBoundary.tsx'
import { i18n } from './i18n.ts'
import { VisitorApp } from './VisitorApp.tsx'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')

createRoot(root).render(
  <StrictMode>
    <I18nextProvider i18n={i18n}>
      <ErrorBoundary>{window.location.pathname === visitorPath ? <VisitorApp /> : <App />}</ErrorBoundary>
    </I18nextProvider>
  </StrictMode>,
)
