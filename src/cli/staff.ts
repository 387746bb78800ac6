import { createInterface } from 'node:readline'
import { fail, ok, type Result } from '#contract/result.ts'
import { memberSchema, pinSchema, roleSchema } from '#contract/station/staff.ts'
import { writeBadgeSheet } from '#sheets/index.ts'
import { openStaffFile, type StaffFile } from '#station/index.ts'
import { writeSheet } from './control-sheet.ts'
import { parseArguments, printLine, refuse, tell, type Help } from './command.ts'

export const help = {
  name: 'staff',
  usage: 'list|set|badge|remove|forgive|reset --data DIR [--name NAME] [--role ROLE] [--out FILE.pdf]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder of a station; it may run meanwhile' },
    name: { type: 'string', value: 'NAME', about: 'whom it is about' },
    role: { type: 'string', value: 'ROLE', about: `${roleSchema.options.join(', ')}; a known member keeps his` },
    out: { type: 'string', value: 'FILE.pdf', about: 'of badge: the card to print' },
  },
  example: 'capstan staff set --data ~/capstan --name Kim --role administrator',
} as const satisfies Help

/**
 * `capstan staff`: who may do what at a station, whether it runs or not.
 *
 * `set` adds a member or gives a known one another PIN, read from standard input and never shown; `badge` writes a card to
 * print; `forgive` ends the wait after wrong PINs; `reset` removes everybody, and a damaged file. Whoever may write the
 * folder may do all this. One JSON line for each member; exit code 0, or 2 with a reason on standard error.
 */
export async function staff(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, help)
  if (!parsed.ok) return refuse(parsed.error)
  const { values, positionals } = parsed.value
  const [verb = '', surplus] = positionals
  if (surplus !== undefined) return refuse({ code: 'invalid_input', message: `Unexpected argument '${surplus}'` })
  if (values.data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  const file = openStaffFile(values.data)

  if (verb === 'badge') {
    const member = memberOf(file, values.name)
    if (!member.ok) return refuse(member.error)
    // Refused first, so that no badge is given that nobody has.
    if (values.out === undefined) return refuse({ code: 'invalid_input', message: 'name the card: --out FILE.pdf' })
    const badge = await file.giveBadge(member.value.id)
    if (!badge.ok) return refuse(badge.error)
    return await writeSheet(values.out, () => writeBadgeSheet(member.value, badge.value))
  }
  const result = await change(file, verb, values)
  if (!result.ok) return refuse(result.error)
  const members = file.members()
  if (!members.ok) return refuse(members.error)
  for (const member of members.value) await printLine(member)
  return 0
}

async function change(
  file: StaffFile,
  verb: string,
  values: { readonly name?: string | undefined; readonly role?: string | undefined },
): Promise<Result<unknown>> {
  switch (verb) {
    case 'list':
      return ok(null)
    case 'set': {
      const name = memberSchema.shape.name.safeParse(values.name)
      if (!name.success) return fail('invalid_input', 'name somebody with 1 to 60 characters: --name NAME')
      const known = memberOf(file, name.data)
      if (!known.ok && known.error.code !== 'not_found') return known
      const role = roleSchema.safeParse(values.role ?? (known.ok ? known.value.role : undefined))
      if (!role.success) return fail('invalid_input', `--role takes ${roleSchema.options.join(', ')}`)
      const pin = pinSchema.safeParse(await readPin())
      if (!pin.success) return fail('invalid_input', 'a PIN has up to 12 digits and nothing else')
      return await file.save({ id: known.ok ? known.value.id : null, name: name.data, role: role.data, pin: pin.data })
    }
    case 'remove': {
      const member = memberOf(file, values.name)
      return member.ok ? file.remove(member.value.id) : member
    }
    case 'forgive':
      return file.renew()
    case 'reset':
      return file.clear()
    default:
      return fail('invalid_input', 'use list, set, badge, remove, forgive or reset')
  }
}

function memberOf(file: StaffFile, name: string | undefined) {
  const members = file.members()
  if (!members.ok) return members
  const member = members.value.find((one) => one.name === name)
  return member ? ok(member) : fail('not_found', `there is nobody of the name ${name ?? '(--name NAME)'}`)
}

/** One line of standard input; on a terminal it is asked for and not shown. A command line would show it to everybody. */
async function readPin(): Promise<string> {
  const { stdin } = process
  if (stdin.isTTY) {
    tell('The new PIN, digits only; it is not shown:')
    stdin.setRawMode(true)
  }
  try {
    if (stdin.isTTY) return await readHidden()
    for await (const line of createInterface({ input: stdin })) return line.trim()
    return ''
  } finally {
    if (stdin.isTTY) {
      stdin.setRawMode(false)
      stdin.pause()
    }
  }
}

async function readHidden(): Promise<string> {
  let typed = ''
  for await (const piece of process.stdin) {
    for (const character of String(piece)) {
      if (character === '\r' || character === '\n') return typed
      // Ctrl-C, which a raw terminal hands over like any other key.
      if (character === '\u0003') return ''
      typed = character === '\u007F' ? typed.slice(0, -1) : typed + character
    }
  }
  return typed
}
