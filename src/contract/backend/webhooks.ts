import { z } from 'zod'
import {
  metadataPatchSchema,
  metadataSchema,
  pageOf,
  pageQueryShape,
  shortuuidSchema,
  text,
  timestampSchema,
} from '#contract/backend/values.ts'

/** What a webhook can tell (contracts 1.12). */
export const webhookEvents = [
  'scanner.session.completed',
  'scanner.session.expired',
  'scanner.capture.completed',
  'scanner.capture.not_found',
  'scanner.capture.failed',
  'scanner.proposals.ready',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

/** A name of an event, or a dotted beginning of one: `scanner.capture` stands for all that begins so. */
const eventTypeSchema = z
  .string()
  .regex(/^[a-z_]+(?:\.[a-z_]+){0,3}$/, {
    error: 'must be the name of an event or its beginning, e.g. scanner.capture',
  })
  .refine((name) => webhookEvents.some((event) => event === name || event.startsWith(`${name}.`)), {
    error: `must be or begin one of ${webhookEvents.join(', ')}`,
  })

const endpointFields = {
  url: z
    .string()
    .max(2_048)
    .regex(/^https?:\/\/[^\s]+$/i, { error: 'must be an http or https address' }),
  description: text(0, 255),
  event_types: z.array(eventTypeSchema).min(1).max(20),
  is_active: z.boolean(),
}

/** What makes an endpoint. */
export const webhookCreateSchema = z
  .strictObject({
    ...endpointFields,
    description: endpointFields.description.default(''),
    is_active: endpointFields.is_active.default(true),
    metadata: metadataPatchSchema.default({}),
  })
  .meta({ id: 'WebhookCreate', examples: [{ url: 'https://erp.example.org/hooks', event_types: ['scanner.capture'] }] })

/** What may be changed of an endpoint. */
export const webhookPatchSchema = z
  .strictObject({
    url: endpointFields.url.optional(),
    description: endpointFields.description.optional(),
    event_types: endpointFields.event_types.optional(),
    is_active: endpointFields.is_active.optional(),
    metadata: metadataPatchSchema.optional(),
  })
  .meta({ id: 'WebhookPatch', examples: [{ is_active: false }] })

const endpointShape = {
  id: shortuuidSchema,
  ...endpointFields,
  metadata: metadataSchema,
  created: timestampSchema,
  modified: timestampSchema,
}

/** An endpoint; its secret is not shown again. */
export const webhookSchema = z.object(endpointShape).meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof webhookSchema>

/** An endpoint with its secret: 64 bytes in hex, shown when it is made and when it is renewed. */
export const webhookWithSecretSchema = z
  .object({ ...endpointShape, secret: z.string().regex(/^[0-9a-f]{128}$/) })
  .meta({ id: 'WebhookWithSecret' })

/** A page of endpoints. */
export const webhookPageSchema = pageOf(webhookSchema).meta({ id: 'WebhookPage' })

/** Where a delivery stands: FAILED and RATE_LIMITED are tried again, DEAD_LETTER is not. */
export const deliveryStatuses = ['PENDING', 'DELIVERED', 'FAILED', 'RATE_LIMITED', 'DEAD_LETTER'] as const

/** One event for one endpoint. */
export const webhookDeliverySchema = z
  .object({
    id: shortuuidSchema,
    endpoint_id: shortuuidSchema,
    event_id: z.string(),
    event_type: z.enum(webhookEvents),
    status: z.enum(deliveryStatuses),
    attempts: z.int(),
    /** What the receiver answered last; null when it did not. */
    response_status: z.int().nullable(),
    last_error: z.string(),
    created: timestampSchema,
    delivered_at: timestampSchema.nullable(),
  })
  .meta({ id: 'WebhookDelivery' })

/** A page of deliveries, newest first. */
export const webhookDeliveryPageSchema = pageOf(webhookDeliverySchema).meta({ id: 'WebhookDeliveryPage' })

/** Filters of an endpoint's deliveries. */
export const webhookDeliveryQuerySchema = z.strictObject({
  status: z.enum(deliveryStatuses).optional(),
  ...pageQueryShape,
})
