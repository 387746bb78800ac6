import { createHash, randomBytes } from 'node:crypto'
import type { Authorise } from '#contract/dispatch.ts'
import type { Clock, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { CheckOutcome } from '#contract/station/control.ts'
import { isAtLeast, purposes, type Member, type Purpose, type Unlocked } from '#contract/station/staff.ts'
import { readControlCode } from '#domain/control-code.ts'
import type { LedgerFact } from '#station/store/ledger-facts.ts'
import type { Store } from '#station/store/store.ts'
import { attemptsSchema, createLockout, type Attempts } from './lockout.ts'
import type { Secret, StaffFile } from './staff-file.ts'

/** Lets staff in, for a purpose and for a while, and says what they may do then. */
export interface Staff {
  /** Whether there is any; without it everybody may do everything. */
  isProtected(): boolean
  unlock(purpose: Purpose, secret: Secret): Promise<Unlocked>
  /** The text of a badge instead of its secret. */
  unlockByCode(purpose: Purpose, code: string): Promise<Unlocked>
  /** Waits for a badge at any scanner. */
  awaitBadge(purpose: Purpose): Promise<Result<Unlocked>>
  /** Takes a read that is a badge, for whoever waits for one; null for any other read. */
  takeBadge(data: string): Promise<Result<CheckOutcome>> | null
  end(grant: string): void
  /** The staff was changed by whoever was allowed to just now; at the beginning, by the first administrator himself. */
  changed(): void
  readonly authorise: Authorise
  close(): void
}

interface Grant {
  readonly member: Member
  readonly purpose: Purpose
  usedMs: number
}

const badgeWaitMs = 60_000
const attemptsFact = 'staff-attempts'
const digestFact = 'staff-digest'

/** Starts the service over a staff file; wrong PINs are kept in the store, and everything is told to its ledger. */
export function createStaff(ports: {
  readonly file: StaffFile
  readonly store: Pick<Store, 'facts' | 'ledger' | 'transaction'>
  readonly clock: Clock
  readonly log: Log
  readonly idleMs: () => number
  readonly onChange: () => void
}): Staff {
  const { file, store, clock, log } = ports
  const grants = new Map<string, Grant>()
  let waiting: { readonly purpose: Purpose; readonly answer: (result: Result<Unlocked>) => void } | null = null
  /** Attempts come one after another: many at once must not all be made before the first is counted. */
  let line: Promise<unknown> = Promise.resolve()

  /** What cannot be written is told to the log instead: a full disk must not keep those out who can help. */
  const record = (fact: LedgerFact, also: () => void = () => undefined): void => {
    try {
      store.transaction(() => {
        store.ledger.append(fact)
        also()
      })
    } catch (error) {
      log.warn({ fact: fact.kind, error: (error as Error).message }, 'what staff did was not recorded')
    }
  }

  let generation = file.generation()
  let lockout = createLockout(clock, readAttempts(store, generation), keepAttempts)
  function keepAttempts(attempts: Attempts): void {
    try {
      store.facts.set(attemptsFact, JSON.stringify({ generation, ...attempts }))
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'a wrong PIN was counted until the next start only')
    }
  }
  /** The command has forgiven what was wrong. */
  const lookForRenewal = (): void => {
    const found = file.generation()
    if (found === generation) return
    generation = found
    lockout = createLockout(clock, null, keepAttempts)
  }

  const tellChange = (by: string | null): void => {
    const members = file.members()
    if (!members.ok) return
    const digest = createHash('sha256').update(JSON.stringify(members.value)).digest('hex')
    const before = store.facts.get(digestFact)
    if (digest === before || (before === null && members.value.length === 0)) return
    const told = members.value.map(({ id, role }) => ({ member: id, role }))
    record({ kind: 'staff.changed', by, members: told }, () => store.facts.set(digestFact, digest))
    ports.onChange()
  }

  const refused = (purpose: Purpose, reason: Extract<Unlocked, { outcome: 'refused' }>['reason']): Unlocked => ({
    outcome: 'refused',
    reason,
    waitMs: lockout.waitMs(),
    needs: purposes[purpose].role,
  })

  const attempt = async (purpose: Purpose, secret: Secret): Promise<Unlocked> => {
    tellChange(null)
    lookForRenewal()
    const members = file.members()
    if (!members.ok) return refused(purpose, 'damaged')
    if (members.value.length === 0) return refused(purpose, 'unprotected')
    if (lockout.waitMs() > 0) return refused(purpose, 'waiting')
    const found = await file.find(secret)
    if (!found.ok) return refused(purpose, 'damaged')
    const member = found.value
    if (member === null) {
      const failures = lockout.fail()
      log.warn({ purpose, failures }, 'a wrong PIN or badge')
      record({ kind: 'staff.refused', purpose, reason: 'wrong', member: null, failures })
      return refused(purpose, 'wrong')
    }
    if (!isAtLeast(member.role, purposes[purpose].role)) {
      log.warn({ purpose, member: member.id }, 'the role is too low')
      record({ kind: 'staff.refused', purpose, reason: 'role', member: member.id, failures: 0 })
      return refused(purpose, 'role')
    }
    // An administrator has nothing left to guess.
    if (member.role === 'administrator') lockout.forget()
    const grant = randomBytes(32).toString('base64url')
    grants.set(grant, { member, purpose, usedMs: clock.monotonicMs() })
    record({ kind: 'staff.unlocked', member: member.id, role: member.role, purpose })
    const { name, role } = member
    return { outcome: 'granted', grant, purpose, name, role, idleMs: ports.idleMs() }
  }
  const unlock: Staff['unlock'] = (purpose, secret) => {
    const next = line.then(() => attempt(purpose, secret))
    line = next.catch(() => undefined)
    return next
  }

  /** A grant that still holds: its member is who he was, and has not been idle. */
  const holding = (token: string, members: readonly Member[]): Grant | null => {
    const grant = grants.get(token)
    if (!grant) return null
    const member = members.find(({ id }) => id === grant.member.id)
    const isIdle = clock.monotonicMs() - grant.usedMs >= ports.idleMs()
    if (!isIdle && member?.role === grant.member.role) return grant
    grants.delete(token)
    return null
  }
  const isFor = (grant: Grant, purpose: Purpose): boolean => {
    if (grant.purpose === purpose) return true
    const { role, isLasting } = purposes[purpose]
    return isLasting && purposes[grant.purpose].isLasting && isAtLeast(grant.member.role, role)
  }

  /** Who has been allowed to change the staff last. */
  let changing: string | null = null

  const stopWaiting = (result: Result<Unlocked>): void => {
    const asked = waiting
    waiting = null
    asked?.answer(result)
  }

  tellChange(null)
  return {
    isProtected() {
      const members = file.members()
      return !members.ok || members.value.length > 0
    },
    unlock,
    unlockByCode(purpose, code) {
      const read = readControlCode(code)
      // What is no badge is a wrong one.
      return unlock(purpose, { kind: 'badge', text: read.kind === 'badge' ? read.secret : '' })
    },
    awaitBadge(purpose) {
      const over = fail('not_found', 'no badge was scanned, or another window waits for one')
      stopWaiting(over)
      return new Promise((resolve) => {
        const timer = setTimeout(() => waiting?.answer === answer && stopWaiting(over), badgeWaitMs)
        const answer = (result: Result<Unlocked>): void => {
          clearTimeout(timer)
          resolve(result)
        }
        waiting = { purpose, answer }
      })
    },
    takeBadge(data) {
      const read = readControlCode(data)
      if (read.kind !== 'badge') return null
      const asked = waiting
      // Nobody asks: it is not tried, and not kept.
      if (asked === null) return Promise.resolve(ok({ outcome: 'checked', isSound: false }))
      waiting = null
      return unlock(asked.purpose, { kind: 'badge', text: read.secret }).then((unlocked) => {
        asked.answer(ok(unlocked))
        return ok({ outcome: 'checked', isSound: unlocked.outcome === 'granted' })
      })
    },
    end: (grant) => void grants.delete(grant),
    changed() {
      const [first] = valuesOf(file.members())
      tellChange(changing ?? first?.id ?? null)
    },
    authorise(purpose, token, procedure) {
      const members = file.members()
      if (members.ok && members.value.length === 0) return null
      const grant = token === null || !members.ok ? null : holding(token, members.value)
      if (token === null || grant === null || !isFor(grant, purpose)) {
        const message = members.ok ? `only for staff: ${purposes[purpose].role}` : members.error.message
        return { code: 'locked', message, details: [{ field: 'purpose', message: purpose }] }
      }
      if (purposes[grant.purpose].isLasting) grant.usedMs = clock.monotonicMs()
      else grants.delete(token)
      if (purpose === 'staff') changing = grant.member.id
      record({ kind: 'staff.acted', member: grant.member.id, purpose, procedure })
      return null
    },
    close: () => stopWaiting(fail('not_found', 'the station ends')),
  }
}

function valuesOf(members: Result<readonly Member[]>): readonly Member[] {
  return members.ok ? members.value : []
}

/** Of another generation of the staff file they are forgiven. */
function readAttempts(store: Pick<Store, 'facts'>, generation: string): Attempts | null {
  try {
    const { generation: of, ...attempts } = JSON.parse(store.facts.get(attemptsFact) ?? 'null') as Record<
      string,
      unknown
    >
    const parsed = attemptsSchema.safeParse(attempts)
    return parsed.success && of === generation ? parsed.data : null
  } catch {
    return null
  }
}
