import type { Clock } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Scan } from '#contract/station/capture.ts'
import type { CheckOutcome } from '#contract/station/control.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { createNonce, readControlCode, writeControlCode } from '#domain/control-code.ts'
import { readScan } from '#domain/scan.ts'

/** What a person does with devices while nothing is captured: testing them, and registering new ones. */
export interface DeviceService {
  mode(): Pick<StationStatus, 'test' | 'pairing'>
  test(on: boolean): void
  pair(on: boolean): void
  /** Answers a read that is for the service; null for one that is to be captured. */
  take(scan: Scan, deviceId: string): Result<CheckOutcome> | null
  close(): void
}

/** A test that somebody forgot must not swallow a day's work. */
const testMs = 5 * 60_000
const pairingMs = 3 * 60_000

/** Creates the service; `onChange` is called when a mode begins, ends or finds a scanner. */
export function createDeviceService(ports: {
  clock: Clock
  random: () => number
  onChange: () => void
}): DeviceService {
  const { clock, random, onChange } = ports
  let test: StationStatus['test'] = null
  let pairing: StationStatus['pairing'] = null
  let timer: NodeJS.Timeout | null = null

  const nowMs = (): number => clock.now().getTime()
  const untilOf = (ms: number): string => new Date(nowMs() + ms).toISOString()
  const isOver = (mode: { readonly until: string } | null): boolean =>
    mode === null || nowMs() >= Date.parse(mode.until)

  /** Ends what is over, and comes back when the rest will be. */
  const look = (): void => {
    if (timer) clearTimeout(timer)
    timer = null
    if (isOver(test)) test = null
    if (isOver(pairing)) pairing = null
    const ends = [test, pairing].flatMap((mode) => (mode ? [Date.parse(mode.until)] : []))
    if (ends.length > 0) {
      timer = setTimeout(look, Math.max(10, Math.min(...ends) - nowMs()))
      timer.unref()
    }
    onChange()
  }

  const register = (scan: Scan, deviceId: string): Result<CheckOutcome> => {
    if (pairing === null || isOver(pairing))
      return fail('not_found', 'no scanner is being registered: open Devices, Register a scanner')
    const control = readControlCode(scan.data)
    const nonce = control.kind === 'command' && control.command.kind === 'register' ? control.command.nonce : null
    if (nonce !== null && writeControlCode({ kind: 'register', nonce }) !== pairing.code)
      return fail('not_found', 'this registering code holds no more: scan the one on the screen')
    if (scan.source !== 'device' && scan.source !== 'wedge')
      return fail('invalid_input', 'only scanners are registered by their scan')
    if (pairing.found === null) {
      const kind = scan.source === 'wedge' ? 'wedge' : 'scanner'
      pairing = { ...pairing, found: { deviceId, deviceName: scan.deviceName, kind } }
      look()
    }
    // The one that was first has it; a second trigger on it is no fault.
    const isFirst = pairing?.found?.deviceId === deviceId
    return isFirst ? ok({ outcome: 'checked', isSound: true }) : fail('conflict', 'another scanner was faster')
  }

  return {
    mode: () => ({ test: isOver(test) ? null : test, pairing: isOver(pairing) ? null : pairing }),
    test(on) {
      test = on ? { until: untilOf(testMs) } : null
      look()
    },
    pair(on) {
      const code = writeControlCode({ kind: 'register', nonce: createNonce(random) })
      pairing = on ? { code, until: untilOf(pairingMs), found: null } : null
      look()
    },
    take(scan, deviceId) {
      const control = readControlCode(scan.data)
      if (control.kind === 'command' && control.command.kind === 'register') return register(scan, deviceId)
      // What a person types, or a program hands in, is meant to be kept.
      const isDevices = scan.source === 'device' || scan.source === 'wedge' || scan.source === 'camera'
      if (!isDevices || isOver(test)) return null
      const isSound = control.kind !== 'damaged' && readScan(scan, { now: clock.now() }).error === null
      return ok({ outcome: 'checked', isSound })
    },
    close() {
      if (timer) clearTimeout(timer)
    },
  }
}
