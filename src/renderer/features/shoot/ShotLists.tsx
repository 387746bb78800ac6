import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FileTrigger } from 'react-aria-components/FileTrigger'
import { z } from 'zod'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'
import type { Settings } from '#contract/station/settings.ts'
import {
  builtInShotLists,
  expectationSchema,
  shotListsFileSchema,
  type ShootSettings,
  type ShotList,
  type ShotListsFile,
  type ShotListView,
} from '#contract/station/shot-list.ts'
import { useSettings } from '../../client/use-settings.ts'
import { Button, Key } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Field, Select, Switch } from '../../ui/Fields.tsx'
import { isNamedKey, useShortcut } from '../../ui/shortcuts.ts'
import { deskKeys, keyLabel } from './keys.ts'
import { Note } from '../../ui/Note.tsx'

/** What the lists are read from a file as, or why not. */
type Imported =
  | { readonly count: number }
  | { readonly fault: 'not_json' }
  | { readonly fault: 'bad_file'; readonly text: string }

/** The views that are wanted of each kind of product, and the key that shoots. */
export function ShotLists({ settings, onClose }: { readonly settings: Settings; readonly onClose: () => void }) {
  const { t } = useTranslation()
  const { settings: shown, change: changeAll, error } = useSettings()
  const { shoot } = shown ?? settings
  const [chosen, setChosen] = useState(shoot.list)
  const [imported, setImported] = useState<Imported | null>(null)
  useShortcut('Esc', onClose)
  const change = (next: Partial<ShootSettings>) => changeAll({ shoot: { ...shoot, ...next } })
  const list = shoot.lists.find(({ id }) => id === chosen) ?? shoot.lists[0]
  const save = (next: ShotList) => change({ lists: shoot.lists.map((each) => (each.id === next.id ? next : each)) })

  const add = () => {
    const id = newId(shoot.lists)
    change({
      lists: [
        ...shoot.lists,
        { id, name: t('shoot.lists.new_name'), views: [{ view: 'front', required: true, expects: [] }] },
      ],
    })
    setChosen(id)
  }
  const read = async (file: Blob | undefined) => {
    if (!file) return
    const found = readFile(await file.text())
    setImported('lists' in found ? { count: found.lists.length } : found)
    if (!('lists' in found)) return
    const others = shoot.lists.filter(({ id }) => !found.lists.some((each) => each.id === id))
    change({ lists: [...others, ...found.lists] })
    setChosen(found.lists[0]?.id ?? chosen)
  }
  if (list === undefined) return null
  return (
    <section className="page shoot-lists">
      <header className="page-head">
        <h1>{t('shoot.lists.title')}</h1>
        <Button keyName="Esc" onPress={onClose}>
          {t('shoot.lists.back')}
        </Button>
      </header>
      {error !== null && <ErrorNote error={error} />}
      {imported !== null && <ImportNote imported={imported} />}
      <div className="settings">
        <section className="panel">
          <Select
            label={t('shoot.lists.list')}
            value={list.id}
            onChange={setChosen}
            choices={shoot.lists.map(({ id, name }) => ({ value: id, label: name }))}
          />
          <ListFields key={list.id} list={list} onSave={save} />
          <div className="row">
            <Button onPress={add}>{t('shoot.lists.add')}</Button>
            <Button
              isDisabled={shoot.lists.length < 2}
              onPress={() => change({ lists: shoot.lists.filter(({ id }) => id !== list.id) })}
            >
              {t('shoot.lists.remove')}
            </Button>
          </div>
        </section>
        <section className="panel">
          <ShootKey keyName={shoot.key} onLearned={(key) => change({ key })} />
          <p className="hint">{t('shoot.lists.elsewhere')}</p>
          <h2>{t('shoot.lists.files')}</h2>
          <div className="row">
            <Button onPress={() => saveFile(shoot.lists)}>{t('shoot.lists.export')}</Button>
            <FileTrigger acceptedFileTypes={['application/json', '.json']} onSelect={(files) => void read(files?.[0])}>
              <Button>{t('shoot.lists.import')}</Button>
            </FileTrigger>
            <Button onPress={() => change({ lists: builtInShotLists })}>{t('shoot.lists.reset')}</Button>
          </div>
        </section>
      </div>
    </section>
  )
}

function ImportNote({ imported }: { readonly imported: Imported }) {
  const { t } = useTranslation()
  if ('count' in imported) return <Note tone="ok" text={t('shoot.lists.imported', { count: imported.count })} />
  return imported.fault === 'not_json' ? (
    <Note tone="stop" text={t('shoot.lists.not_json')} />
  ) : (
    <Note tone="stop" text={t('shoot.lists.bad_file')} quote={imported.text} />
  )
}

function ListFields({ list, onSave }: { readonly list: ShotList; readonly onSave: (list: ShotList) => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState(list.name)
  const { views } = list
  const set = (next: readonly ShotListView[]) => onSave({ ...list, views: [...next] })
  const put = (at: number, view: ShotListView) => set(views.with(at, view))
  const free = photoRoleSchema.options.filter((view) => !views.some((each) => each.view === view))
  return (
    <>
      <Field
        label={t('shoot.lists.name')}
        value={name}
        onChange={setName}
        maxLength={60}
        onBlur={() => name.trim() !== '' && name !== list.name && onSave({ ...list, name: name.trim() })}
      />
      <ol className="shoot-list-views">
        {views.map((each, at) => (
          <li key={each.view} aria-label={t(`camera.role.${each.view}`)}>
            <b>{t(`camera.role.${each.view}`)}</b>
            <span className="row">
              <Button isDisabled={at === 0} onPress={() => set(views.toSpliced(at, 1).toSpliced(at - 1, 0, each))}>
                {t('shoot.lists.up')}
              </Button>
              <Button
                isDisabled={at === views.length - 1}
                onPress={() => set(views.toSpliced(at, 1).toSpliced(at + 1, 0, each))}
              >
                {t('shoot.lists.down')}
              </Button>
              <Button isDisabled={views.length < 2} onPress={() => set(views.toSpliced(at, 1))}>
                {t('shoot.lists.remove_view')}
              </Button>
            </span>
            <div className="shoot-list-expects">
              <Switch
                label={t('shoot.lists.required')}
                isSelected={each.required}
                onChange={(required) => put(at, { ...each, required })}
              />
              {expectationSchema.options.map((one) => (
                <Switch
                  key={one}
                  label={t(`shoot.lists.expect_${one}`)}
                  isSelected={each.expects.includes(one)}
                  onChange={(on) =>
                    put(at, {
                      ...each,
                      expects: [...each.expects.filter((other) => other !== one), ...(on ? [one] : [])],
                    })
                  }
                />
              ))}
            </div>
          </li>
        ))}
      </ol>
      {free[0] !== undefined && <AddView key={free[0]} free={free} onAdd={(view) => set([...views, view])} />}
    </>
  )
}

function AddView(props: {
  readonly free: readonly ShotListView['view'][]
  readonly onAdd: (view: ShotListView) => void
}) {
  const { free, onAdd } = props
  const { t } = useTranslation()
  const [view, setView] = useState(free[0] ?? 'other')
  return (
    <div className="row row-field">
      <Select
        label={t('shoot.lists.view')}
        value={view}
        onChange={setView}
        choices={free.map((value) => ({ value, label: t(`camera.role.${value}`) }))}
      />
      <Button onPress={() => onAdd({ view, required: true, expects: [] })}>{t('shoot.lists.add_view')}</Button>
    </div>
  )
}

/** The key that shoots: whatever a keyboard, a foot pedal or a remote control sends next. */
function ShootKey({ keyName, onLearned }: { readonly keyName: string; readonly onLearned: (key: string) => void }) {
  const { t } = useTranslation()
  const [isLearning, setLearning] = useState(false)
  /** What was pressed and cannot be it. */
  const [taken, setTaken] = useState<string | null>(null)
  useEffect(() => {
    if (!isLearning) return
    const learn = (event: KeyboardEvent) => {
      const isKey = isNamedKey(event.key) || event.key.length === 1
      if (event.ctrlKey || event.altKey || event.metaKey || (!isKey && event.key !== 'Escape')) return
      event.preventDefault()
      event.stopImmediatePropagation()
      setLearning(false)
      // The desk's other keys keep their meaning.
      setTaken(isKey && isOwn(event.key) ? event.key : null)
      if (isKey && !isOwn(event.key)) onLearned(event.key.length === 1 ? event.key.toLowerCase() : event.key)
    }
    globalThis.addEventListener('keydown', learn, { capture: true })
    return () => globalThis.removeEventListener('keydown', learn, { capture: true })
  }, [isLearning, onLearned])
  return (
    <div className="field">
      <span>
        {t('shoot.lists.key')} <Key name={keyLabel(keyName)} />
      </span>
      <p className="hint">{t(isLearning ? 'shoot.lists.learning' : 'shoot.lists.key_hint')}</p>
      {taken !== null && !isLearning && (
        <Note tone="attention" text={t('shoot.lists.key_taken', { key: keyLabel(taken) })} />
      )}
      <Button onPress={() => setLearning(true)} isDisabled={isLearning}>
        {t('shoot.lists.learn')}
      </Button>
    </div>
  )
}

const isOwn = (key: string): boolean =>
  key.startsWith('Arrow') || (Object.values(deskKeys) as readonly string[]).includes(key)

function newId(lists: readonly ShotList[]): string {
  for (let number = lists.length + 1; ; number += 1) {
    const id = `list-${number}`
    if (!lists.some((each) => each.id === id)) return id
  }
}

function readFile(text: string): ShotListsFile | Exclude<Imported, { count: number }> {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return { fault: 'not_json' }
  }
  const read = shotListsFileSchema.safeParse(content)
  return read.success ? read.data : { fault: 'bad_file', text: z.prettifyError(read.error) }
}

function saveFile(lists: readonly ShotList[]): void {
  const file: ShotListsFile = { format: 'capstan-shot-lists', version: 1, lists: [...lists] }
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(file, null, 2)}\n`], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = address
  link.download = 'capstan-shot-lists.json'
  link.click()
  URL.revokeObjectURL(address)
}
