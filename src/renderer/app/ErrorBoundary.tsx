import { Component } from 'react'
import type { ReactNode } from 'react'
import { Translation } from 'react-i18next'
import { Button } from '../ui/Button.tsx'
import { StateShape } from '../ui/StateShape.tsx'

/** Catches a fault of a screen. Reloading loses nothing: captures are the station's, unsent scans the queue's. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly crashed: boolean }> {
  override state = { crashed: false }

  static getDerivedStateFromError() {
    return { crashed: true }
  }

  override render() {
    if (!this.state.crashed) return this.props.children
    return (
      <Translation>
        {(t) => (
          <main className="crash" data-tone="stop" role="alert">
            <StateShape tone="stop" size={96} />
            <h1>{t('app.crashed')}</h1>
            <Button kind="primary" large autoFocus onPress={() => window.location.reload()}>
              {t('app.reload')}
            </Button>
          </main>
        )}
      </Translation>
    )
  }
}
