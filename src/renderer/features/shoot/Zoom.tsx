import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { maxRegionWidthPixels, stationPaths } from '#contract/station/http.ts'
import type { ItemPhoto } from '#contract/station/item.ts'
import { Button } from '../../ui/Button.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'

/** How far an arrow key moves the picture, as a share of what is shown. */
const step = 0.4

/** A part of the original at one pixel of it for one of the screen: what is sharp here is sharp. */
export function Zoom(props: { readonly photo: ItemPhoto; readonly keyName: string; readonly onClose: () => void }) {
  const { photo, keyName, onClose } = props
  const { t } = useTranslation()
  const scale = globalThis.devicePixelRatio
  const width = Math.min(photo.widthPixels, Math.floor(innerWidth * scale), maxRegionWidthPixels)
  const height = Math.min(photo.heightPixels, Math.floor(innerHeight * scale))
  const last = { x: photo.widthPixels - width, y: photo.heightPixels - height }
  const [at, setAt] = useState({ x: Math.round(last.x / 2), y: Math.round(last.y / 2) })
  const move = (x: number, y: number) => () =>
    setAt((before) => ({
      x: Math.max(0, Math.min(last.x, Math.round(before.x + x * width * step))),
      y: Math.max(0, Math.min(last.y, Math.round(before.y + y * height * step))),
    }))
  useShortcut('ArrowLeft', move(-1, 0))
  useShortcut('ArrowRight', move(1, 0))
  useShortcut('ArrowUp', move(0, -1))
  useShortcut('ArrowDown', move(0, 1))
  useShortcut('Esc', onClose)
  useShortcut(keyName, onClose)
  return (
    <dialog open className="shoot-zoom" aria-label={t('shoot.action.zoom')}>
      <img
        src={stationPaths.region(photo.photo, { ...at, width, height }, width)}
        alt={t(`camera.role.${photo.view}`)}
        width={width / scale}
        height={height / scale}
      />
      <footer className="row">
        <p>{t('shoot.zoom_hint', { key: keyName })}</p>
        <Button autoFocus keyName="Esc" onPress={onClose}>
          {t('shoot.lists.back_short')}
        </Button>
      </footer>
    </dialog>
  )
}
