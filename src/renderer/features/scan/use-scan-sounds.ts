import { useEffect } from 'react'
import type { ScanOutcome } from '#contract/station/capture.ts'
import { onScanTrouble } from '../../client/scans.ts'
import { useStation } from '../../client/state.ts'
import { subscribe } from '../../client/station.ts'
import { useStrangeBurst } from '../../client/strange-burst.ts'
import { playSound } from '../../ui/sounds.ts'
import type { Sound } from '../../ui/sounds.ts'

/** An answer of the catalogue about a scan older than this is for the eye only, in milliseconds. */
const freshMs = 10_000
/** As many unknown codes as no crew scans within that time. */
const heardLimit = 1_000
/** A "saved" that comes later than this, in a window that could not keep up, would be taken for that of a later scan. */
const lateMs = 2_000
/** When a backlog comes back, one sound stands for all that come within this time. */
const crowdMs = 400

/** Who counts by ear hears one high tick for each new item, however many codes it has. */
function soundOf({ outcome, capture }: ScanOutcome): Sound {
  if (outcome === 'saved') return 'saved'
  return outcome === 'joined' && capture.disposition === 'counted' ? 'joined' : 'again'
}

/**
 * Lets the person hear what became of each scan.
 *
 * "Saved" hangs on `scan.taken`, which the station sends after the commit: it is never early. "Unknown" follows when
 * the catalogue has answered, "stopped" when the station did not save, or may not have. No sound waits for another one;
 * what comes too late is not heard at all, except that something was not saved.
 */
export function useScanSounds(): void {
  useEffect(() => {
    let lastUnknownAt = 0
    const heard = new Set<string>()
    const play = (sound: Sound) => {
      const { settings } = useStation.getState()
      if (settings?.sound.enabled) playSound(sound, settings.sound.volume)
    }
    const isLate = ({ capture }: ScanOutcome) =>
      Date.now() + useStation.getState().clockOffsetMs - Date.parse(capture.capturedAt) > lateMs
    const stops = [
      subscribe('scan.taken', (outcome) => {
        if (!isLate(outcome)) play(soundOf(outcome))
      }),
      subscribe('control.taken', () => play('saved')),
      subscribe('capture.changed', ({ captures }) => {
        const now = Date.now() + useStation.getState().clockOffsetMs
        const unknown = captures.filter(
          ({ id, state, disposition, capturedAt }) =>
            state === 'NOT_FOUND' &&
            disposition === 'counted' &&
            !heard.has(id) &&
            now - Date.parse(capturedAt) < freshMs,
        )
        for (const { id } of unknown) heard.add(id)
        // What is no more fresh is not asked for again, and a window is open for months.
        for (const id of heard) {
          if (heard.size <= heardLimit) break
          heard.delete(id)
        }
        if (unknown.length === 0 || Date.now() - lastUnknownAt < crowdMs) return
        lastUnknownAt = Date.now()
        play('unknown')
      }),
      onScanTrouble(() => play('stopped')),
      useStrangeBurst.subscribe(({ burst }) => {
        if (burst !== null) play('stopped')
      }),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }, [])
}
