import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'
import type { CameraControls as Controls, RememberedCamera } from '#contract/station/camera-settings.ts'
import { CameraView } from '../../../camera/CameraView.tsx'
import type { Match, PresentCamera } from '../../../camera/identity.ts'
import { Button } from '../../../ui/Button.tsx'
import { Select, Switch } from '../../../ui/Fields.tsx'
import { CameraControls } from './CameraControls.tsx'

/** One camera: its picture, what it is for, its resolution, and what lens and light can be set to. */
export function CameraCard({
  camera,
  known,
  match,
  candidates,
  reads,
  onChange,
  onForget,
}: {
  readonly camera: RememberedCamera
  readonly known: readonly RememberedCamera[]
  readonly match: Match
  readonly candidates: readonly PresentCamera[]
  readonly reads: boolean
  readonly onChange: (camera: RememberedCamera, reads: boolean) => void
  readonly onForget: () => void
}) {
  const { t } = useTranslation()
  const [isShown, setShown] = useState(false)
  const [track, setTrack] = useState<MediaStreamTrack | null>(null)
  const isThere = typeof match === 'object'
  const change = (fields: Partial<RememberedCamera>) => onChange({ ...camera, ...fields }, reads)
  return (
    <li className="camera-card" aria-label={camera.label}>
      <h3>{camera.label}</h3>
      {!isThere && <p className="camera-card-problem">{t(`settings.cameras.${match}`)}</p>}
      {match === 'unclear' &&
        candidates.map((candidate, index) => (
          <div className="camera-candidate" key={candidate.deviceId}>
            <CameraView id={candidate.deviceId} known={[{ ...camera, ...candidate, id: candidate.deviceId }]} />
            <Button onPress={() => change({ deviceId: candidate.deviceId, groupId: candidate.groupId })}>
              {t('settings.cameras.it_is', { number: index + 1 })}
            </Button>
          </div>
        ))}
      {isThere && isShown && <CameraView id={camera.id} known={known} onOpened={setTrack} />}
      <div className="row">
        {isThere && (
          <Button
            onPress={() => {
              setShown(!isShown)
              setTrack(null)
            }}
          >
            {t(isShown ? 'settings.cameras.hide' : 'settings.cameras.show')}
          </Button>
        )}
        {!isThere && <Button onPress={onForget}>{t('settings.cameras.forget')}</Button>}
      </div>
      <Select
        label={t('settings.cameras.role')}
        value={camera.role}
        onChange={(role) => change({ role })}
        choices={photoRoleSchema.options.map((value) => ({ value, label: t(`camera.role.${value}`) }))}
      />
      <Switch
        label={t('settings.cameras.reads')}
        isSelected={reads}
        onChange={(selected) => onChange(camera, selected)}
      />
      <Switch
        label={t('settings.cameras.shoots')}
        isSelected={camera.shoots}
        onChange={(shoots) => change({ shoots })}
      />
      {track !== null && isShown && (
        <>
          <Select
            label={t('settings.cameras.size')}
            value={camera.size === null ? '' : nameOf(camera.size)}
            onChange={(name) => change({ size: sizesOf(track).find((size) => nameOf(size) === name) ?? null })}
            choices={[
              { value: '', label: t('settings.cameras.size_usual') },
              ...sizesOf(track).map((size) => ({ value: nameOf(size), label: nameOf(size) })),
            ]}
          />
          <CameraControls
            track={track}
            controls={camera.controls}
            onChange={(controls: Controls) => change({ controls })}
          />
        </>
      )}
    </li>
  )
}

interface Size {
  readonly width: number
  readonly height: number
}

const usualSizes: readonly Size[] = [
  { width: 640, height: 480 },
  { width: 1_280, height: 720 },
  { width: 1_920, height: 1_080 },
  { width: 2_560, height: 1_440 },
  { width: 3_840, height: 2_160 },
]

/** The usual sizes that the camera can do, and its largest. */
function sizesOf(track: MediaStreamTrack): readonly Size[] {
  const { width, height } = track.getCapabilities()
  const most = { width: width?.max ?? 1_920, height: height?.max ?? 1_080 }
  const within = usualSizes.filter((size) => size.width <= most.width && size.height <= most.height)
  return within.some((size) => nameOf(size) === nameOf(most)) ? within : [...within, most]
}

function nameOf({ width, height }: Size): string {
  return `${width} × ${height}`
}
