import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPaths } from '#contract/station/http.ts'
import type { Desk, ItemEntry } from '#contract/station/item.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { CodeText } from '../../ui/CodeText.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'
import { StateShape } from '../../ui/StateShape.tsx'
import { TypedCode } from '../../ui/TypedCode.tsx'
import { deskKeys } from './keys.ts'
import { Note } from '../../ui/Note.tsx'

/** No item is open: how to open one. */
export function StartItem({ isTaken, onLists }: { readonly isTaken: boolean; readonly onLists: () => void }) {
  const { t } = useTranslation()
  useShortcut(deskKeys.lists, onLists)
  return (
    <section className="shoot-begin" data-taken={isTaken}>
      {isTaken ? (
        <Note tone="attention" text={t('shoot.taken')} />
      ) : (
        <>
          <p className="shoot-lead">{t('shoot.lead')}</p>
          <TypedCode className="shoot-type" label={t('shoot.type')} action={t('shoot.open')} />
        </>
      )}
      <Button keyName={deskKeys.lists} onPress={onLists}>
        {t('shoot.action.lists')}
      </Button>
    </section>
  )
}

/** The items of this station: those that were left first. */
export function Entries({ desk, onOpen }: { readonly desk: Desk; readonly onOpen: (id: string) => void }) {
  const { t } = useTranslation()
  const [entries, setEntries] = useState<readonly ItemEntry[] | null>(null)
  useEffect(() => {
    void call('item.list', { limit: 30 }).then((answer) => answer.ok && setEntries(answer.value))
  }, [desk])
  return (
    <section className="shoot-entries" aria-labelledby="shoot-items">
      <h2 id="shoot-items">{t('shoot.items')}</h2>
      {entries?.length === 0 && <p className="hint">{t('shoot.items_none')}</p>}
      <ul>
        {entries?.map((entry) => (
          <li key={entry.id} className="shoot-entry">
            {entry.thumbnail === null ? (
              <span className="shoot-thumbnail" />
            ) : (
              <img className="shoot-thumbnail" src={stationPaths.thumbnail(entry.thumbnail)} alt="" />
            )}
            <div>
              <b>{entry.name || t('shoot.name.new')}</b>
              <CodeText raw={entry.gtin ?? entry.raw} />
              <small>
                {t('shoot.photos_of', { count: entry.photos })} ·{' '}
                {entry.missing === 0 ? t('shoot.complete') : t('shoot.missing', { count: entry.missing })}
              </small>
            </div>
            <span className="shoot-entry-state">
              <StateShape tone={entry.state === 'submitted' ? 'ok' : 'waiting'} size={20} />
              {t(`shoot.state.${entry.state}`)}
            </span>
            <Button isDisabled={desk.isTaken} onPress={() => onOpen(entry.id)}>
              {t(entry.state === 'submitted' ? 'shoot.come_back.submitted' : 'shoot.come_back.left')}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  )
}
