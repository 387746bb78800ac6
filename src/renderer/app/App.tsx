import { useEffect } from 'react'
import { I18nProvider } from 'react-aria-components/I18nProvider'
import { useTranslation } from 'react-i18next'
import { scanQueue } from '../client/scans.ts'
import { followStation, useStation } from '../client/state.ts'
import { useScanSounds } from '../features/scan/use-scan-sounds.ts'
import { listenToShortcuts } from '../ui/shortcuts.ts'
import { openSound } from '../ui/sounds.ts'
import { loadTexts, speak } from './i18n.ts'
import { Shell } from './Shell.tsx'
import { useTheme } from './use-theme.ts'
import { useWedge } from './use-wedge.ts'

/** What a browser takes for a person, so that sounds may begin. */
const gestures = ['pointerdown', 'pointerup', 'keydown'] as const

/** A window that has no quiet moment opens its sound all the same after so long. */
const soundMs = 1_000

/** The whole window: what is true on every screen is wired here. */
export function App() {
  const { i18n: current } = useTranslation()
  const settings = useStation((state) => state.settings)
  useTheme(settings?.theme ?? 'system', settings?.textSize ?? 'normal')
  useScanSounds()

  useEffect(() => {
    // Before the wedge, which swallows bursts; see shortcuts.ts.
    const stops = [listenToShortcuts(), followStation()]
    scanQueue.resume()
    for (const gesture of gestures) window.addEventListener(gesture, openSound, { capture: true })
    return () => {
      for (const stop of stops) stop()
      for (const gesture of gestures) window.removeEventListener(gesture, openSound, { capture: true })
    }
  }, [])

  // It may hold the thread up for a third of a second: scanners are heard and the screen is there before.
  const isLoaded = useStation((state) => state.loaded)
  useEffect(() => {
    if (!isLoaded) return
    const asked = requestIdleCallback(openSound, { timeout: soundMs })
    return () => cancelIdleCallback(asked)
  }, [isLoaded])

  const language = settings?.language ?? 'en'
  useEffect(() => {
    void speak(language)
  }, [language])
  const gate = settings?.gate
  useEffect(() => {
    if (gate?.isOn) for (const spoken of gate.languages) void loadTexts(spoken)
  }, [gate])

  useWedge()

  return (
    <I18nProvider locale={current.resolvedLanguage ?? 'en'}>
      <Shell />
    </I18nProvider>
  )
}
