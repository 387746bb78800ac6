import { z } from 'zod'
import { idSchema } from '#contract/station/values.ts'

/** Each role may do what those before it may. */
export const roleSchema = z.enum(['operator', 'supervisor', 'administrator'])
export type Role = z.infer<typeof roleSchema>

/** Whether a role is at least another one. */
export const isAtLeast = (role: Role, least: Role): boolean =>
  roleSchema.options.indexOf(role) >= roleSchema.options.indexOf(least)

/**
 * What staff are let in for, and who may. A lasting one holds until its person is idle, and opens the other lasting ones
 * that the role allows; any other is asked for each time.
 */
export const purposes = {
  /** The gate becomes a station again. */
  leave_gate: { role: 'operator', isLasting: true },
  /** Somebody is let in whom the rules keep out, or an admission is taken back. */
  gate_override: { role: 'supervisor', isLasting: false },
  settings: { role: 'supervisor', isLasting: true },
  drill: { role: 'supervisor', isLasting: true },
  support_bundle: { role: 'supervisor', isLasting: false },
  credentials: { role: 'administrator', isLasting: true },
  staff: { role: 'administrator', isLasting: true },
  /** The key that opens the data of this station wherever they are is shown. */
  recovery_key: { role: 'administrator', isLasting: false },
  /** The screen's lock, or the program, ends. */
  quit: { role: 'administrator', isLasting: false },
  /** Data is removed from this station. */
  wipe: { role: 'administrator', isLasting: false },
} as const satisfies Record<string, { readonly role: Role; readonly isLasting: boolean }>
export const purposeSchema = z.enum(Object.keys(purposes) as [keyof typeof purposes, ...(keyof typeof purposes)[]])
export type Purpose = z.infer<typeof purposeSchema>

/** Digits only: it is typed on a pad, with gloves. How long it must be depends on the role. */
export const pinSchema = z.string().regex(/^\d{1,12}$/, { error: 'must be up to 12 digits' })

/** Opens what it was given for, to whoever has it: 256 random bits, in base64url. */
export const grantSchema = z.string().max(100)

export const memberSchema = z.strictObject({
  id: idSchema,
  name: z.string().trim().min(1).max(60),
  role: roleSchema,
  hasPin: z.boolean(),
  hasBadge: z.boolean(),
})
export type Member = z.infer<typeof memberSchema>

/** The answer to a PIN or a badge. */
export const unlockedSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('granted'),
    grant: grantSchema,
    purpose: purposeSchema,
    name: z.string(),
    role: roleSchema,
    /** It ends when it was not used for so long. */
    idleMs: z.number().int(),
  }),
  z.object({
    outcome: z.literal('refused'),
    /**
     * `wrong`: nobody's. `role`: whose it is may not. `waiting`: too many were wrong, even the right one has to wait.
     * `unprotected`: there is no staff, and nothing to be let in for. `damaged`: the file with the PINs cannot be read.
     */
    reason: z.enum(['wrong', 'role', 'waiting', 'unprotected', 'damaged']),
    /** How long nothing is taken from now on. */
    waitMs: z.number().int(),
    /** The least role that may. */
    needs: roleSchema,
  }),
])
export type Unlocked = z.infer<typeof unlockedSchema>
