import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { purposes } from '#contract/station/staff.ts'
import type { Purpose, Unlocked } from '#contract/station/staff.ts'
import { call, grants } from '../../client/station.ts'
import { PinPad } from '../../ui/PinPad.tsx'
import { Sheet } from '../../ui/Sheet.tsx'
import './staff.css'

/** Asks whoever began something that is only for staff for a PIN or a badge; scans go on meanwhile. */
export function StaffDoor() {
  const asked = useStore(grants.store, (state) => state.asked)
  return asked === null ? null : <Door key={asked.purpose} purpose={asked.purpose} />
}

function Door({ purpose }: { readonly purpose: Purpose }) {
  const { t } = useTranslation()
  const [isBusy, setIsBusy] = useState(false)
  const [refused, setRefused] = useState<Extract<Unlocked, { outcome: 'refused' }> | null>(null)
  const waitSeconds = useCountdown(refused?.waitMs ?? 0, refused)
  const role = t(`staff.role.${purposes[purpose].role}`)

  const take = (unlocked: Unlocked) => {
    setRefused(unlocked.outcome === 'refused' ? unlocked : null)
    grants.answer(unlocked)
  }
  useEffect(() => {
    let isShown = true
    // A badge may be scanned as long as this is open, at whatever scanner; nobody has to choose between it and the pad.
    const listen = async (): Promise<void> => {
      while (isShown) {
        const result = await call('staff.badge', { purpose })
        if (!isShown) return
        if (result.ok) take(result.value)
        else if (result.error.code !== 'not_found') return
      }
    }
    void listen()
    return () => void (isShown = false)
  }, [purpose])

  const tryPin = async (pin: string) => {
    setIsBusy(true)
    const result = await call('staff.unlock', { purpose, pin })
    setIsBusy(false)
    if (result.ok) take(result.value)
  }
  const message = () => {
    if (waitSeconds > 0) return t('staff.refused.waiting', { count: waitSeconds })
    if (refused === null || refused.reason === 'waiting') return ''
    return t(`staff.refused.${refused.reason}`, { role })
  }
  return (
    <Sheet onClose={() => grants.answer(null)} title={t(`staff.purpose.${purpose}`)}>
      <p className="staff-lead">{t('staff.lead', { role })}</p>
      <PinPad
        label={t('staff.pin')}
        submitLabel={t('staff.enter')}
        isDisabled={isBusy || waitSeconds > 0}
        onPin={(pin) => void tryPin(pin)}
        message={message()}
      />
    </Sheet>
  )
}

/** Whole seconds until a wait is over, counted on the window's monotonic clock from the answer that named it. */
function useCountdown(waitMs: number, from: unknown): number {
  const [left, setLeft] = useState(0)
  useEffect(() => {
    const endMs = performance.now() + waitMs
    const look = () => setLeft(Math.max(0, Math.ceil((endMs - performance.now()) / 1_000)))
    look()
    if (waitMs === 0) return
    const timer = setInterval(look, 250)
    return () => clearInterval(timer)
  }, [waitMs, from])
  return left
}
