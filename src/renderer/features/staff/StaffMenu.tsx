import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import { useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Sheet } from '../../ui/Sheet.tsx'
import { listenToGesture } from './gesture.ts'

/** What staff may do at a locked screen; it comes by a gesture that nobody makes by chance, and asks for a PIN at each. */
export function StaffMenu() {
  const { t } = useTranslation()
  const [isOpen, setIsOpen] = useState(false)
  const [error, setError] = useState<AppError | null>(null)
  const isGate = useStation((state) => state.settings?.gate.isOn ?? false)
  useEffect(() => listenToGesture(window, () => setIsOpen(true)), [])
  if (!isOpen) return null
  const close = () => {
    setIsOpen(false)
    setError(null)
  }
  const ask = async (asking: Promise<{ readonly ok: boolean; readonly error?: AppError }>) => {
    const result = await asking
    if (result.ok) close()
    // Whoever gave up at the PIN knows that.
    else setError(result.error === undefined || result.error.code === 'locked' ? null : result.error)
  }
  return (
    <Sheet title={t('staff.menu.title')} onClose={close}>
      {isGate && (
        <Button large onPress={() => void ask(call('gate.close', {}))}>
          {t('staff.menu.gate')}
        </Button>
      )}
      <Button large onPress={() => void ask(call('kiosk.leave', { to: 'window' }))}>
        {t('staff.menu.window')}
      </Button>
      <Button large onPress={() => void ask(call('kiosk.leave', { to: 'end' }))}>
        {t('staff.menu.end')}
      </Button>
      {error !== null && <ErrorNote error={error} />}
    </Sheet>
  )
}
