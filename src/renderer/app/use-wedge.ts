import { useEffect, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useShallow } from 'zustand/react/shallow'
import { windowDevices } from '#contract/station/device.ts'
import { receiveBurst } from '../client/scans.ts'
import { useStation } from '../client/state.ts'
import type { StationState } from '../client/station-follower.ts'
import { call } from '../client/station.ts'
import { tellStrangeBurst } from '../client/strange-burst.ts'
import { trialPace, useWedgeTrial } from '../client/wedge-trial.ts'
import { listenToWedge } from '../features/scan/wedge-input.ts'
import { i18n } from './i18n.ts'

/** Takes what a keyboard scanner types into this window, wherever the focus is. */
export function useWedge(): void {
  const { i18n: current } = useTranslation()
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
}

function givenWedgeName({ settings }: StationState): string {
  return settings?.scanners.byId[windowDevices.wedge]?.name ?? ''
}

/** Asked at each scan: the listener outlives a change of the name and of the language. */
function wedgeNameNow(): string {
  return givenWedgeName(useStation.getState()) || i18n.t('strip.wedge')
}
