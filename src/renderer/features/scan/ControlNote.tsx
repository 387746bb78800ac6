import { useTranslation } from 'react-i18next'
import type { ControlCommand } from '#contract/station/control.ts'
import { useControlNews } from '../../client/control.ts'
import { StateShape } from '../../ui/StateShape.tsx'

/** What became of the last control barcode, until a scan follows; commands that nobody here can obey are named too. */
export function ControlNote({ canShoot }: { readonly canShoot: boolean }) {
  const { t } = useTranslation()
  const news = useControlNews((state) => state.news)
  if (news === null) return null
  const isDone = news.kind === 'taken' && isObeyed(news.outcome.command, canShoot)
  return (
    <output className="control-note">
      <StateShape tone={isDone ? 'ok' : 'attention'} size={24} />
      {news.kind === 'taken' ? t(textOf(news.outcome.command, canShoot), { ...facts(news.outcome) }) : refusal()}
    </output>
  )

  function refusal(): string {
    if (news?.kind !== 'refused') return ''
    const { code } = news.error
    const isKnown = code === 'not_found' || code === 'conflict' || code === 'invalid_input'
    return t(isKnown ? `scan.control.refused.${code}` : `error.${code}`)
  }

  function facts({ command, capture }: Extract<NonNullable<typeof news>, { kind: 'taken' }>['outcome']) {
    return {
      item: capture?.product?.name ?? capture?.raw ?? '',
      quantity: capture?.quantity ?? 1,
      location: command.kind === 'location' ? (command.location ?? '') : '',
      mode: command.kind === 'mode' ? t(`scan.start.modes.${command.mode}`) : '',
    }
  }
}

function isObeyed({ kind }: ControlCommand, canShoot: boolean): boolean {
  return kind === 'shoot' ? canShoot : kind !== 'accept' && kind !== 'reject' && kind !== 'skip'
}

function textOf(command: ControlCommand, canShoot: boolean) {
  if (command.kind === 'shoot' && !canShoot) return 'scan.control.shoot_off'
  if (command.kind === 'location' && command.location === null) return 'scan.control.location_none'
  return `scan.control.${command.kind}` as const
}
