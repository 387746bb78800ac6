import { useEffect, useRef } from 'react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './Button.tsx'
import './sheet.css'

/** A sheet over the work, closed by Escape; whoever scans below it is not held up. */
export function Sheet(props: { readonly title: string; readonly onClose: () => void; readonly children: ReactNode }) {
  const { t } = useTranslation()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      className="sheet"
      aria-label={props.title}
      onCancel={(event) => {
        event.preventDefault()
        props.onClose()
      }}
    >
      <h2>{props.title}</h2>
      {props.children}
      <Button kind="bare" keyName="Esc" onPress={props.onClose}>
        {t('staff.leave')}
      </Button>
    </dialog>
  )
}
