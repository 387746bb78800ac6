import { useTranslation } from 'react-i18next'
import { Button } from '../../ui/Button.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'

/** What ends a form about a product: the button that has it done, if there is one, and the way back by Esc. */
export function FormEnd(props: {
  /** Without `run` it submits the form, as Enter does. */
  readonly done?: { readonly text: string; readonly isDisabled?: boolean; readonly run?: () => void }
  /** Why it cannot be done yet. */
  readonly lacks?: string
  /** Where Esc leads, in words. */
  readonly back?: string
  readonly onBack: () => void
}) {
  const { done, lacks, back, onBack } = props
  const { t } = useTranslation()
  useShortcut('Esc', onBack)
  const press = done?.run === undefined ? ({ type: 'submit', keyName: 'Enter' } as const) : { onPress: done.run }
  return (
    <div className="product-form-end">
      {done && (
        <Button kind="primary" isDisabled={done.isDisabled ?? false} {...press}>
          {done.text}
        </Button>
      )}
      <Button keyName="Esc" onPress={onBack}>
        {back ?? t('products.cancel')}
      </Button>
      {lacks !== undefined && <output className="hint">{lacks}</output>}
    </div>
  )
}
