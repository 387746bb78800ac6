import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { DropZone } from 'react-aria-components/DropZone'
import { FileTrigger } from 'react-aria-components/FileTrigger'
import type { AppError } from '#contract/result.ts'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { useStation } from '../../client/state.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { PhotoVerdict } from '../../ui/PhotoVerdict.tsx'
import { savePhoto } from '../../client/save-photo.ts'

const imageTypes = ['image/jpeg', 'image/png', 'image/webp']

/** Photos from files: dropped or chosen, saved one after the other, each with its outcome. */
export function PhotoIntake({ sessionId }: { readonly sessionId: string }) {
  const { t } = useTranslation()
  const isStopped = useStation((state) => state.status?.storage.arePhotosStopped ?? false)
  const [left, setLeft] = useState(0)
  const [outcome, setOutcome] = useState<PhotoOutcome | null>(null)
  const [error, setError] = useState<AppError | null>(null)

  const take = async (photos: readonly Blob[]) => {
    setLeft((count) => count + photos.length)
    setError(null)
    for (const photo of photos) {
      const result = await savePhoto(photo, { session: sessionId })
      if (result.ok) setOutcome(result.value)
      else setError(result.error)
      setLeft((count) => count - 1)
    }
  }

  return (
    <DropZone
      className="photo-intake"
      aria-label={t('scan.photo.choose')}
      onDrop={(event) => {
        const files = event.items.filter((item) => item.kind === 'file')
        void Promise.all(files.map((item) => item.getFile())).then(take)
      }}
    >
      <FileTrigger
        acceptedFileTypes={imageTypes}
        allowsMultiple
        onSelect={(files) => files !== null && void take([...files])}
      >
        <Button shortcut="p" isDisabled={isStopped}>
          {t('scan.photo.choose')}
        </Button>
      </FileTrigger>
      <output className="hint">
        {isStopped
          ? t('scan.camera.stopped')
          : left > 0
            ? t('scan.photo.sending', { count: left })
            : outcome !== null
              ? t('scan.photo.codes', { count: outcome.codes.length })
              : t('scan.photo.drop')}
      </output>
      {left === 0 && outcome !== null && <PhotoVerdict quality={outcome.quality} />}
      {error !== null && <ErrorNote error={error} />}
    </DropZone>
  )
}
