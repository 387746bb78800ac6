import { z } from 'zod'
import { shortuuidSchema } from '#contract/backend/values.ts'

/** An operator's sign-in; the answer sets the cookies `sessionid` and `csrftoken`. */
export const loginSchema = z
  .strictObject({ email: z.string().min(3).max(254), password: z.string().min(1).max(1_000) })
  .meta({ id: 'Login', examples: [{ email: 'operator@example.org', password: 'correct horse battery' }] })

/** Who signed in, and the organisation that cookie clients name when they open a session. */
export const loginAnswerSchema = z
  .object({ id: shortuuidSchema, email: z.string(), organization_short_id: shortuuidSchema })
  .meta({ id: 'LoginAnswer' })

/** Who a credential belongs to. */
export const whoSchema = z
  .object({
    kind: z.enum(['key', 'cookie']),
    name: z.string(),
    role: z.enum(['manager', 'editor', 'readonly']),
    organization_short_id: shortuuidSchema,
  })
  .meta({ id: 'Who' })
