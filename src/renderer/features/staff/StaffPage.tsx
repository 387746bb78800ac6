import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError, Result } from '#contract/result.ts'
import { roleSchema, type Member, type Role } from '#contract/station/staff.ts'
import { useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field } from '../../ui/Fields.tsx'
import { PinPad } from '../../ui/PinPad.tsx'
import { Sheet } from '../../ui/Sheet.tsx'

/** Who may do what at this station; only an administrator sees it, and the last one stays. */
export function StaffPage() {
  const { t } = useTranslation()
  const isProtected = useStation((state) => state.status?.staff.isProtected ?? false)
  const [members, setMembers] = useState<readonly Member[] | null>(null)
  const [chosen, setChosen] = useState<Member | 'new' | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const load = async () => {
    const result = await call('staff.list', {})
    if (result.ok) setMembers(result.value)
    setError(result.ok || result.error.code === 'locked' ? null : result.error)
  }
  const close = () => {
    setChosen(null)
    void load()
  }
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>{t('staff.page.title')}</h1>
          <p className="hint">{t('staff.page.lead')}</p>
        </div>
        {members !== null && isProtected && (
          <Button kind="primary" onPress={() => setChosen('new')}>
            {t('staff.page.add')}
          </Button>
        )}
      </header>
      {error !== null && <ErrorNote error={error} />}
      {!isProtected && <p className="nothing">{t('staff.page.none')}</p>}
      {isProtected && members === null && (
        <p className="nothing">
          <Button kind="primary" large onPress={() => void load()}>
            {t('staff.page.show')}
          </Button>
        </p>
      )}
      {isProtected && members !== null && (
        <ul className="session-rows">
          {members.map((member) => (
            <li key={member.id}>
              <button type="button" className="session-row" onClick={() => setChosen(member)}>
                <b className="capture-name">{member.name}</b>
                <span className="capture-sub">
                  <b>{t(`staff.role.${member.role}`)}</b>
                  <span>{t(member.hasPin ? 'staff.page.has_pin' : 'staff.page.no_pin')}</span>
                  <span>{t(member.hasBadge ? 'staff.page.has_badge' : 'staff.page.no_badge')}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {chosen !== null && <MemberSheet member={chosen === 'new' ? null : chosen} onClose={close} />}
    </section>
  )
}

/** One member: name and role, then a PIN; badge and removal for one that is there. */
function MemberSheet({ member, onClose }: { readonly member: Member | null; readonly onClose: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState(member?.name ?? '')
  const [role, setRole] = useState<Role>(member?.role ?? 'operator')
  const [step, setStep] = useState<'member' | 'pin' | 'remove'>('member')
  const [card, setCard] = useState<string | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const told = async <T,>(asking: Promise<Result<T>>, done: (value: T) => void) => {
    const result = await asking
    setError(result.ok ? null : result.error)
    if (result.ok) done(result.value)
  }
  const save = (pin: string | null) =>
    told(call('staff.save', { id: member?.id ?? null, name: name.trim(), role, pin }), onClose)
  return (
    <Sheet title={member?.name ?? t('staff.page.add')} onClose={onClose}>
      {step === 'member' && (
        <>
          <Field label={t('staff.page.name')} value={name} onChange={setName} maxLength={60} isRequired autoFocus />
          <Choices
            label={t('staff.page.role')}
            look="cards"
            value={role}
            onChange={setRole}
            choices={roleSchema.options.map((value) => ({
              value,
              label: t(`staff.role.${value}`),
              explanation: t(`staff.page.may.${value}`),
            }))}
          />
          {member !== null && (
            <Button isDisabled={name.trim() === ''} onPress={() => void save(null)}>
              {t('staff.page.save')}
            </Button>
          )}
          <Button
            kind={member === null ? 'primary' : 'plain'}
            isDisabled={name.trim() === ''}
            onPress={() => setStep('pin')}
          >
            {t(member === null ? 'staff.page.choose_pin' : 'staff.page.new_pin')}
          </Button>
          {member !== null && card === null && (
            <Button onPress={() => void told(call('staff.giveBadge', { id: member.id }), ({ path }) => setCard(path))}>
              {t(member.hasBadge ? 'staff.page.new_badge' : 'staff.page.badge')}
            </Button>
          )}
          {card !== null && (
            <a className="button button-primary" href={card} download onClick={() => setCard(null)}>
              {t('staff.page.card')}
            </a>
          )}
          {member !== null && (
            <Button kind="stop" onPress={() => setStep('remove')}>
              {t('staff.page.remove')}
            </Button>
          )}
        </>
      )}
      {step === 'pin' && (
        <>
          <p className="staff-lead">{t('staff.page.pin_rule')}</p>
          <PinPad label={t('staff.first.pin')} submitLabel={t('staff.first.done')} onPin={(pin) => void save(pin)} />
        </>
      )}
      {step === 'remove' && member !== null && (
        <>
          <p className="staff-lead">{t('staff.page.remove_lead')}</p>
          <Button kind="stop" autoFocus onPress={() => void told(call('staff.remove', { id: member.id }), onClose)}>
            {t('staff.page.remove_do', { name: member.name })}
          </Button>
        </>
      )}
      {error !== null && error.code !== 'locked' && (
        <p className="note" data-tone="stop" role="alert">
          {t(
            `staff.page.refused.${error.code === 'invalid_input' || error.code === 'conflict' ? error.code : 'other'}`,
          )}
          <q>{error.message}</q>
        </p>
      )}
    </Sheet>
  )
}
