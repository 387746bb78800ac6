import { useEffect, useMemo } from 'react'
import { I18nProvider } from 'react-aria-components/I18nProvider'
import { useTranslation } from 'react-i18next'
import { windowDevices } from '#contract/station/device.ts'
import { useShallow } from 'zustand/react/shallow'
import { receiveBurst, scanQueue } from '../client/scans.ts'
import { followStation, useStation } from '../client/state.ts'
import { call } from '../client/station.ts'
import { tellStrangeBurst } from '../client/strange-burst.ts'
import { trialPace, useWedgeTrial } from '../client/wedge-trial.ts'
import { listenToWedge } from '../features/scan/wedge-input.ts'
import { useScanSounds } from '../features/scan/use-scan-sounds.ts'
import { listenToShortcuts } from '../ui/shortcuts.ts'
import { openSound } from '../ui/sounds.ts'
import { i18n } from './i18n.ts'
import { Shell } from './Shell.tsx'
import { useTheme } from './use-theme.ts'

/** What a browser takes for a person, so that sounds may begin. */
const gestures = ['pointerdown', 'pointerup', 'keydown'] as const

/** The whole window: what is true on every screen is wired here. */
export function App() {
  const { i18n: current } = useTranslation()
  const settings = useStation((state) => state.settings)
  useTheme(settings?.theme ?? 'system')
  useScanSounds()

  useEffect(() => {
    // Before the wedge, which swallows bursts; see shortcuts.ts.
    const stops = [listenToShortcuts(), followStation()]
    scanQueue.resume()
    openSound()
    for (const gesture of gestures) window.addEventListener(gesture, openSound, { capture: true })
    return () => {
      for (const stop of stops) stop()
      for (const gesture of gestures) window.removeEventListener(gesture, openSound, { capture: true })
    }
  }, [])

  const language = settings?.language ?? 'en'
  useEffect(() => {
    void i18n.changeLanguage(language)
    document.documentElement.lang = i18n.resolvedLanguage ?? 'en'
  }, [language])

  // Compared by value: a listener that is renewed amid a burst would lose its first characters.
  const kept = useStation(useShallow((state) => state.settings?.wedge))
  const isTrial = useWedgeTrial((state) => state.isOn)
  const wedge = useMemo(() => (kept && isTrial ? { ...kept, ...trialPace } : kept), [kept, isTrial])
  const wedgeName = useStation((state) => state.settings?.scanners.byId[windowDevices.wedge]?.name ?? '')
  useEffect(() => {
    if (wedge === undefined) return
    const deviceName = wedgeName || i18n.t('strip.wedge')
    void call('device.report', { id: windowDevices.wedge, kind: 'wedge', name: deviceName, state: 'ready' })
    return listenToWedge(window, wedge, {
      onScan: (data, pace, timeMs) => {
        tellStrangeBurst(null)
        receiveBurst(data, deviceName, pace, timeMs)
      },
      onStrange: tellStrangeBurst,
    })
  }, [wedge, wedgeName])

  return (
    <I18nProvider locale={current.resolvedLanguage ?? 'en'}>
      <Shell />
    </I18nProvider>
  )
}
