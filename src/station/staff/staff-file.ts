import { randomBytes, randomInt, randomUUID, scrypt, timingSafeEqual } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { fail, ok, type Result } from '#contract/result.ts'
import { isAtLeast, memberSchema, type Member, type Role } from '#contract/station/staff.ts'
import { createBadgeSecret, writeBadge } from '#domain/control-code.ts'

/** OWASP's minimum for scrypt. The factors are kept with the hashes, so that they can be raised later. */
const cost = { N: 2 ** 15, r: 8, p: 3 } as const
const maxMemoryBytes = 128 * 1024 * 1024
const memberLimit = 200

const base64Schema = z.base64()
const keptMemberSchema = z.strictObject({
  id: memberSchema.shape.id,
  name: memberSchema.shape.name,
  role: memberSchema.shape.role,
  pin: base64Schema.nullable(),
  badge: base64Schema.nullable(),
})
type KeptMember = z.infer<typeof keptMemberSchema>

const fileSchema = z.strictObject({
  format: z.literal(1),
  /** Another one, and wrong PINs before are forgiven: for the command, which can do everything anyhow. */
  generation: z.string().max(100),
  /** One for all: a PIN alone says who it is, and is derived once instead of once a member. */
  salt: base64Schema,
  cost: z.strictObject({
    N: z
      .number()
      .int()
      .min(2)
      .max(2 ** 20),
    r: z.number().int().min(1).max(32),
    p: z.number().int().min(1).max(16),
  }),
  members: z.array(keptMemberSchema).max(memberLimit),
})
type File = z.infer<typeof fileSchema>

/** A PIN, or the secret of a badge. */
export interface Secret {
  readonly kind: 'pin' | 'badge'
  readonly text: string
}

/**
 * The staff of a station: a file of its own beside the store. A store that has to be rebuilt does not open the kiosk, and
 * the `capstan staff` command can help while the station runs. Read at each use; whoever may write the file may do anything.
 */
export interface StaffFile {
  /** Everybody; empty where there is no file. `conflict` when it cannot be read: nobody is let in then. */
  members(): Result<readonly Member[]>
  generation(): string
  /** Whose it is; takes as long when it is nobody's. */
  find(secret: Secret): Promise<Result<Member | null>>
  /** Adds a member, or changes the one of that id: without a PIN the old one stays. */
  save(change: { id: string | null; name: string; role: Role; pin: string | null }): Promise<Result<Member>>
  /** Gives a member a new badge in the place of the old one; answers its text, which is kept nowhere. */
  giveBadge(id: string): Promise<Result<string>>
  remove(id: string): Result<null>
  /** Forgives wrong PINs. */
  renew(): Result<null>
  /** Removes everybody, and a damaged file. */
  clear(): Result<null>
}

/** Why a PIN is too easy for a role; null for one that is not. */
export function pinFault(pin: string, role: Role): string | null {
  const least = role === 'operator' ? 4 : 6
  if (pin.length < least) return `a PIN of the role ${role} has at least ${least} digits`
  const steps = new Set(Array.from(pin.slice(1), (digit, index) => Number(digit) - Number(pin.charAt(index))))
  const [step = 0] = steps
  return steps.size === 1 && Math.abs(step) <= 1 ? 'digits that are all alike or in a row are guessed first' : null
}

/** The staff file of a data folder, which may not be there yet. */
export function openStaffFile(dataDir: string): StaffFile {
  const path = join(dataDir, 'staff.json')

  let last: { readonly version: string; readonly file: Result<File> } | null = null
  const read = (): Result<File> => {
    const found = statSync(path, { throwIfNoEntry: false, bigint: true })
    const version = found ? `${found.ino} ${found.mtimeNs} ${found.size}` : ''
    if (last?.version === version) return last.file
    const file = found ? readAnew() : ok(emptyFile())
    last = { version, file }
    return file
  }
  const readAnew = (): Result<File> => {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      return fail('conflict', `the staff file cannot be read: ${(error as Error).message}`)
    }
    const parsed = fileSchema.safeParse(parseJson(text))
    return parsed.success ? ok(parsed.data) : fail('conflict', 'the staff file is damaged: run "capstan staff reset"')
  }
  /** Whole or not at all, also after a power failure. */
  const write = (file: File): Result<null> => {
    const part = `${path}.part`
    try {
      mkdirSync(dataDir, { recursive: true })
      const descriptor = openSync(part, 'w', 0o600)
      try {
        writeFileSync(descriptor, `${JSON.stringify(file, null, 2)}\n`)
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
      renameSync(part, path)
      return ok(null)
    } catch (error) {
      return fail('storage_full', `the staff file cannot be written: ${(error as Error).message}`)
    }
  }
  const lookUp = (file: File, { kind }: Secret, derived: Buffer): KeptMember | null => {
    let found: KeptMember | null = null
    // All of them, so that the time tells nothing.
    for (const member of file.members) {
      const kept = Buffer.from(member[kind] ?? '', 'base64')
      if (kept.length === derived.length && timingSafeEqual(kept, derived)) found = member
    }
    return found
  }
  const isLastAdministrator = (file: File, id: string): boolean =>
    !file.members.some((member) => member.id !== id && member.role === 'administrator' && member.pin !== null)

  return {
    members() {
      const file = read()
      return file.ok ? ok(file.value.members.map(toMember)) : file
    },
    generation() {
      const file = read()
      return file.ok ? file.value.generation : ''
    },
    async find(secret) {
      const file = read()
      if (!file.ok) return file
      const found = lookUp(file.value, secret, await derive(secret.text, file.value))
      return ok(found && toMember(found))
    },
    async save({ id, name, role, pin }) {
      const fault = pin === null ? null : pinFault(pin, role)
      if (fault !== null) return fail('invalid_input', fault)
      // Its salt has to stay the same from now on.
      if (!existsSync(path)) {
        const begun = write(emptyFile())
        if (!begun.ok) return begun
      }
      const before = read()
      if (!before.ok) return before
      const derived = pin === null ? null : await derive(pin, before.value)
      // Again: another may have been faster while this one was derived.
      const file = read()
      if (!file.ok) return file
      const { members } = file.value
      const known = members.find((member) => member.id === id)
      if (id !== null && !known) return fail('not_found', 'no such member of the staff')
      if (members.some((member) => member.id !== id && member.name === name))
        return fail('conflict', 'somebody has this name already')
      if (derived !== null) {
        const owner = lookUp(file.value, { kind: 'pin', text: '' }, derived)
        if (owner !== null && owner.id !== id) return fail('conflict', 'choose another PIN: this one is taken')
      }
      const saved: KeptMember = {
        id: id ?? randomUUID(),
        name,
        role,
        pin: derived?.toString('base64') ?? known?.pin ?? null,
        badge: known?.badge ?? null,
      }
      // A short PIN of an operator must not become an administrator's: its length is not known any more.
      if (pin === null && known?.pin && !isAtLeast(known.role, role))
        return fail('invalid_input', 'a higher role needs a new PIN')
      if (saved.role !== 'administrator' || saved.pin === null) {
        if (isLastAdministrator(file.value, saved.id))
          return fail('conflict', 'an administrator with a PIN has to be there')
      }
      if (!known && members.length >= memberLimit) return fail('conflict', 'there are too many members of the staff')
      const written = write({
        ...file.value,
        members: [...members.filter((member) => member.id !== saved.id), saved],
      })
      return written.ok ? ok(toMember(saved)) : written
    },
    async giveBadge(id) {
      const secret = createBadgeSecret(() => randomInt(2 ** 40) / 2 ** 40)
      const before = read()
      if (!before.ok) return before
      const badge = (await derive(secret, before.value)).toString('base64')
      const file = read()
      if (!file.ok) return file
      if (!file.value.members.some((member) => member.id === id))
        return fail('not_found', 'no such member of the staff')
      const members = file.value.members.map((member) => (member.id === id ? { ...member, badge } : member))
      const written = write({ ...file.value, members })
      return written.ok ? ok(writeBadge(secret)) : written
    },
    remove(id) {
      const file = read()
      if (!file.ok) return file
      if (!file.value.members.some((member) => member.id === id))
        return fail('not_found', 'no such member of the staff')
      if (isLastAdministrator(file.value, id)) return fail('conflict', 'an administrator with a PIN has to be there')
      return write({ ...file.value, members: file.value.members.filter((member) => member.id !== id) })
    },
    renew() {
      const file = read()
      return file.ok ? write({ ...file.value, generation: randomUUID() }) : file
    },
    clear: () => write(emptyFile()),
  }
}

const emptyFile = (): File => ({
  format: 1,
  generation: randomUUID(),
  salt: randomBytes(16).toString('base64'),
  cost,
  members: [],
})

function derive(secret: string, { salt, cost: { N, r, p } }: File): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, Buffer.from(salt, 'base64'), 32, { N, r, p, maxmem: maxMemoryBytes }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

const toMember = ({ id, name, role, pin, badge }: KeptMember): Member => ({
  id,
  name,
  role,
  hasPin: pin !== null,
  hasBadge: badge !== null,
})

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
