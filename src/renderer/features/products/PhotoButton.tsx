import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPaths } from '#contract/station/http.ts'
import { Button } from '../../ui/Button.tsx'

/** A photo in small; pressed, it fills the screen until Esc. Nothing where this station has none. */
export function PhotoButton({ hash, label }: { readonly hash: string | null; readonly label: string }) {
  const { t } = useTranslation()
  const [isLarge, setIsLarge] = useState(false)
  if (hash === null) return null
  return (
    <>
      <button type="button" className="product-photo" onClick={() => setIsLarge(true)}>
        <img src={stationPaths.thumbnail(hash)} alt={label} loading="lazy" />
      </button>
      {isLarge && (
        <dialog open className="product-large" aria-label={label}>
          <img src={stationPaths.media(hash)} alt={label} />
          <Button autoFocus shortcut="Esc" onPress={() => setIsLarge(false)}>
            {t('products.close')}
          </Button>
        </dialog>
      )}
    </>
  )
}
