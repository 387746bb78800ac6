import { useEffect, useMemo } from 'react'
import { I18nProvider } from 'react-aria-components/I18nProvider'
import { useTranslation } from 'react-i18next'
import { windowDevices } from '#contract/station/device.ts'
import { useShallow } from 'zustand/react/shallow'
import { receiveBurst, scanQueue } from '../client/scans.ts'
import { followStation, useStation } from '../client/state.ts'
import type { StationState } from '../client/station-follower.ts'
import { call } from '../client/station.ts'
import { tellStrangeBurst } from '../client/strange-burst.ts'
import { trialPace, useWedgeTrial } from '../client/wedge-trial.ts'
import { listenToWedge } from '../features/scan/wedge-input.ts'
import { useScanSounds } from '../features/scan/use-scan-sounds.ts'
import { listenToShortcuts } from '../ui/shortcuts.ts'
import { openSound } from '../ui/sounds.ts'
import { i18n, speak } from './i18n.ts'
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
    void speak(language)
  }, [language])

  // Compared by value: a listener that is renewed amid a burst would lose its first characters.
  const kept = useStation(useShallow((state) => state.settings?.wedge))
  const isTrial = useWedgeTrial((state) => state.isOn)
  const wedge = useMemo(() => (kept && isTrial ? { ...kept, ...trialPace } : kept), [kept, isTrial])
  const wedgeName = useStation(givenWedgeName)
  useEffect(() => {
    if (wedge === undefined) return
    return listenToWedge(window, wedge, {
      onScan: (data, pace, timeMs) => {
        tellStrangeBurst(null)
        receiveBurst(data, wedgeNameNow(), pace, timeMs)
      },
      onStrange: tellStrangeBurst,
    })
  }, [wedge])

  const isListening = wedge !== undefined
  useEffect(() => {
    if (!isListening) return
    void call('device.report', { id: windowDevices.wedge, kind: 'wedge', name: wedgeNameNow(), state: 'ready' })
  }, [isListening, wedgeName, current.resolvedLanguage])

  return (
    <I18nProvider locale={current.resolvedLanguage ?? 'en'}>
      <Shell />
    </I18nProvider>
  )
}

/** The name that staff gave the keyboard scanners; empty for none. */
function givenWedgeName({ settings }: StationState): string {
  return settings?.scanners.byId[windowDevices.wedge]?.name ?? ''
}

/** Asked at each scan: the listener outlives a change of the name and of the language. */
function wedgeNameNow(): string {
  return givenWedgeName(useStation.getState()) || i18n.t('strip.wedge')
}
