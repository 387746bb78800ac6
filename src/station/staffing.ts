import { fail, ok, type Result } from '#contract/result.ts'
import type { HandlersOf } from '#contract/station/procedures.ts'
import type { OnceOnly } from '#station/upkeep/once-only.ts'
import type { Staff } from '#station/staff/staff.ts'
import type { StaffFile } from '#station/staff/staff-file.ts'

/** What windows ask of the staff: to let somebody in, and to change who it is. */
export function staffingHandlers(ports: {
  readonly staff: Staff
  readonly file: StaffFile
  readonly once: OnceOnly
}): HandlersOf<`staff.${string}`> {
  const { staff, file, once } = ports
  const changed = <T>(result: Result<T>): Result<T> => {
    if (result.ok) staff.changed()
    return result
  }
  return {
    'staff.unlock': async ({ purpose, ...given }) =>
      ok(
        await ('pin' in given
          ? staff.unlock(purpose, { kind: 'pin', text: given.pin })
          : staff.unlockByCode(purpose, given.code)),
      ),
    'staff.badge': ({ purpose }) => staff.awaitBadge(purpose),
    'staff.end': ({ grant }) => {
      staff.end(grant)
      return ok({})
    },
    'staff.begin': async ({ name, pin }) => {
      if (staff.isProtected()) return fail('conflict', 'there is staff already')
      return changed(await file.save({ id: null, name, role: 'administrator', pin }))
    },
    'staff.list': () => {
      const members = file.members()
      return members.ok ? ok([...members.value]) : members
    },
    'staff.save': async (change) => changed(await file.save(change)),
    'staff.remove': ({ id }) => {
      const removed = changed(file.remove(id))
      return removed.ok ? ok({}) : removed
    },
    'staff.giveBadge': async ({ id }) => {
      const members = file.members()
      if (!members.ok) return members
      const member = members.value.find((one) => one.id === id)
      if (!member) return fail('not_found', 'no such member of the staff')
      const badge = changed(await file.giveBadge(id))
      if (!badge.ok) return badge
      // Loaded only here: it is large, and most runs of a station print nothing.
      const { writeBadgeSheet } = await import('#sheets/index.ts')
      const card = await writeBadgeSheet(member, badge.value)
      return ok({ path: once.keep({ name: 'capstan-badge.pdf', type: 'application/pdf', bytes: card }) })
    },
  }
}
