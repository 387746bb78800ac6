import { create } from 'zustand'

/** Whether a scanner is being calibrated: until its pace is known, slow ones must be heard too. */
export const useWedgeTrial = create<{ readonly isOn: boolean }>(() => ({ isOn: false }))

/** No faster than a person types, so that typing in these minutes may be taken for a scanner. */
export const trialPace = { maxGapMs: 300, maxMeanGapMs: 120 } as const

/** Begins a trial; returns the function that ends it. */
export function beginWedgeTrial(): () => void {
  useWedgeTrial.setState({ isOn: true })
  return () => useWedgeTrial.setState({ isOn: false })
}
