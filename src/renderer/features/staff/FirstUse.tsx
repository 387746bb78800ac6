import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { create } from 'zustand'
import type { AppError } from '#contract/result.ts'
import { useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Field } from '../../ui/Fields.tsx'
import { PinPad } from '../../ui/PinPad.tsx'
import { Sheet } from '../../ui/Sheet.tsx'
import { StateShape } from '../../ui/StateShape.tsx'

const useLater = create<{ readonly isLater: boolean }>(() => ({ isLater: false }))

/** Says that nothing protects this station, until somebody sets the first PIN or puts it off. */
export function FirstUse({ isAlways = false }: { readonly isAlways?: boolean }) {
  const { t } = useTranslation()
  const isProtected = useStation((state) => state.status?.staff.isProtected ?? true)
  const { isLater } = useLater()
  const [isOpen, setIsOpen] = useState(false)
  if (isProtected || (isLater && !isAlways)) return null
  return (
    <div className="note staff-first" data-tone="attention">
      <StateShape tone="attention" size={24} />
      <p>{t('staff.first.note')}</p>
      <Button kind="primary" onPress={() => setIsOpen(true)}>
        {t('staff.first.set')}
      </Button>
      {!isAlways && <Button onPress={() => useLater.setState({ isLater: true })}>{t('staff.first.later')}</Button>}
      {isOpen && <FirstAdministrator onClose={() => setIsOpen(false)} />}
    </div>
  )
}

function FirstAdministrator({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [first, setFirst] = useState<string | null>(null)
  const [message, setMessage] = useState('')
  const [error, setError] = useState<AppError | null>(null)
  const take = async (pin: string) => {
    setError(null)
    setMessage('')
    if (first === null) return setFirst(pin)
    setFirst(null)
    if (pin !== first) return setMessage(t('staff.first.differ'))
    const result = await call('staff.begin', { name: name.trim() || t('staff.role.administrator'), pin })
    if (!result.ok) return setError(result.error)
    onClose()
  }
  return (
    <Sheet title={t('staff.first.title')} onClose={onClose}>
      <p className="staff-lead">{t('staff.first.lead')}</p>
      <Field label={t('staff.name')} value={name} onChange={setName} maxLength={60} />
      <PinPad
        key={first === null ? 'first' : 'again'}
        label={t(first === null ? 'staff.first.pin' : 'staff.first.again')}
        submitLabel={t(first === null ? 'staff.first.next' : 'staff.first.done')}
        onPin={(pin) => void take(pin)}
        message={message}
      />
      {error !== null && <ErrorNote error={error} />}
    </Sheet>
  )
}
