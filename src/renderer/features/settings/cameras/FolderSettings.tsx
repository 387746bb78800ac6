import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'
import type { WatchedFolder } from '#contract/station/camera-settings.ts'
import type { FolderStatus } from '#contract/station/folder.ts'
import type { Settings } from '#contract/station/settings.ts'
import { useStation } from '../../../client/state.ts'
import { call } from '../../../client/station.ts'
import type { SettingsChange } from '../../../client/use-settings.ts'
import { Button } from '../../../ui/Button.tsx'
import { Field, Select, Switch } from '../../../ui/Fields.tsx'
import './cameras.css'

/** Folders in which a tethered camera's program puts its photos, with what became of the files in them. */
export function FolderSettings({
  settings: { folders },
  change,
}: {
  readonly settings: Settings
  readonly change: (change: SettingsChange) => void
}) {
  const { t } = useTranslation()
  const [path, setPath] = useState('')
  const statuses = useFolders()
  const save = (changed: WatchedFolder) =>
    change({ folders: folders.map((one) => (one.id === changed.id ? changed : one)) })
  return (
    <section className="panel folders">
      <h2>{t('settings.folders.title')}</h2>
      <p className="hint">{t('settings.folders.lead')}</p>
      <ul className="camera-cards">
        {folders.map((folder) => (
          <li key={folder.id} className="camera-card" aria-label={folder.path}>
            <h3>{folder.path}</h3>
            <FolderState status={statuses.find(({ id }) => id === folder.id)} />
            <Select
              label={t('settings.cameras.role')}
              value={folder.role}
              onChange={(role) => save({ ...folder, role })}
              choices={photoRoleSchema.options.map((value) => ({ value, label: t(`camera.role.${value}`) }))}
            />
            <Switch
              label={t('settings.folders.watched')}
              isSelected={folder.enabled}
              onChange={(enabled) => save({ ...folder, enabled })}
            />
            <div className="row">
              <Button onPress={() => change({ folders: folders.filter(({ id }) => id !== folder.id) })}>
                {t('settings.folders.remove')}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <form
        className="row row-field"
        onSubmit={(event) => {
          event.preventDefault()
          const wanted = path.trim()
          if (wanted === '' || folders.some((one) => one.path === wanted)) return
          change({ folders: [...folders, { id: crypto.randomUUID(), path: wanted, role: 'other', enabled: true }] })
          setPath('')
        }}
      >
        <Field
          label={t('settings.folders.path')}
          hint={t('settings.folders.path_hint')}
          value={path}
          onChange={setPath}
          maxLength={1_000}
          code
        />
        <Button type="submit" isDisabled={path.trim() === ''}>
          {t('settings.folders.add')}
        </Button>
      </form>
    </section>
  )
}

function FolderState({ status }: { readonly status: FolderStatus | undefined }) {
  const { t } = useTranslation()
  if (status === undefined) return null
  const { state, taken, waiting, problems } = status
  return (
    <>
      <p className={state === 'missing' || state === 'waiting' || state === 'full' ? 'camera-card-problem' : 'hint'}>
        {t(`settings.folders.state.${state}`, { taken, waiting })}
      </p>
      {problems.length > 0 && (
        <ul className="folder-problems">
          {problems.map(({ file, problem }) => (
            <li key={file}>
              <code>{file}</code> {t(`settings.folders.problem.${problem}`)}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

/** What the station says of the folders, asked again whenever it says anything new of itself. */
function useFolders(): readonly FolderStatus[] {
  const status = useStation((state) => state.status)
  const [folders, setFolders] = useState<readonly FolderStatus[]>([])
  useEffect(() => {
    void call('folder.list', {}).then((result) => {
      if (result.ok) setFolders(result.value)
    })
  }, [status])
  return folders
}
