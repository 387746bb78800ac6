import { useCallback, useEffect, useState } from 'react'
import type { DeviceDetails, DeviceList, DeviceRead } from '#contract/station/device.ts'
import { call, follow, onMissed } from './station.ts'

/** Rates fall without an event; the list is asked for anew this often while it is looked at. */
const refreshMs = 5_000
const readLimit = 30

export interface Devices {
  /** Null until the first answer. */
  readonly list: DeviceList | null
  readonly reload: () => void
}

/** Follows everything that the station knows of its devices. */
export function useDevices(): Devices {
  const [list, setList] = useState<DeviceList | null>(null)
  const reload = useCallback(() => {
    void call('device.list', {}).then((result) => {
      if (result.ok) setList(result.value)
    })
  }, [])
  useEffect(() => {
    reload()
    const timer = setInterval(reload, refreshMs)
    const stops = [
      onMissed(reload),
      follow('device.changed', (device) =>
        setList((known) => (known === null ? null : { ...known, devices: put(known.devices, device) })),
      ),
    ]
    return () => {
      clearInterval(timer)
      for (const stop of stops) stop()
    }
  }, [reload])
  return { list, reload }
}

function put(devices: readonly DeviceDetails[], changed: DeviceDetails): DeviceDetails[] {
  return devices.some(({ id }) => id === changed.id)
    ? devices.map((device) => (device.id === changed.id ? changed : device))
    : [...devices, changed]
}

/** The reads of all devices since it is looked at, newest first, each with a number of its own. */
export function useReads(active: boolean): readonly (DeviceRead & { readonly number: number })[] {
  const [reads, setReads] = useState<readonly (DeviceRead & { readonly number: number })[]>([])
  useEffect(() => {
    if (!active) return
    const stop = follow('device.scan', (read) =>
      setReads((before) => [{ ...read, number: (before[0]?.number ?? 0) + 1 }, ...before].slice(0, readLimit)),
    )
    return () => {
      stop()
      setReads([])
    }
  }, [active])
  return reads
}
