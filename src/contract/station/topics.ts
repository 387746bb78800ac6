import { z } from 'zod'
import { errorCodes } from '#contract/result.ts'
import { productChangedSchema } from '#contract/station/catalogue.ts'
import { captureSchema, scanOutcomeSchema, scanSchema } from '#contract/station/capture.ts'
import { controlOutcomeSchema } from '#contract/station/control.ts'
import { deviceDetailsSchema, deviceReadSchema } from '#contract/station/device.ts'
import { drillStatusSchema } from '#contract/station/drill.ts'
import { enrolmentStatusSchema } from '#contract/station/enrolment.ts'
import { gateStatusSchema, gateVerdictSchema } from '#contract/station/gate.ts'
import { deskSchema } from '#contract/station/item.ts'
import { reviewChangedSchema } from '#contract/station/review.ts'
import { sessionSchema } from '#contract/station/session.ts'
import { settingsSchema } from '#contract/station/settings.ts'
import type { TopicName } from '#contract/station/topic-names.ts'
import { idSchema } from '#contract/station/values.ts'
import { stationStatusSchema } from '#contract/station/status.ts'

/** Everything the station tells its windows unasked, by topic. Each event carries whole objects. */
export const topics = {
  /**
   * A scan by whatever device, after its commit. The window's sounds hang on this one,
   * so that they are never early and the same for every device.
   */
  'scan.taken': scanOutcomeSchema,
  /** A scan by a device that is read without a window was not saved: `conflict` when no session is open. */
  'scan.refused': z.object({
    scan: scanSchema,
    error: z.object({ code: z.enum(errorCodes), message: z.string() }),
  }),
  /**
   * A device that is read without a window has sent half a code: its scanner ends its codes, and this one came without its end or was
   * the rest of one. Nothing was saved, and what it was is not said: it may have been a secret.
   */
  'scan.torn': z.object({ deviceName: z.string(), length: z.number().int() }),
  /** A control barcode by whatever device, after the commit of what it changed. */
  'control.taken': controlOutcomeSchema,
  /** Captures whose state, sync, quantity or disposition changed; at most 500 in one event. */
  'capture.changed': z.object({ captures: z.array(captureSchema) }),
  /** The cameras of the window are to take a photo; it answers with `camera.shot`. */
  'camera.shoot': z.object({ id: idSchema }),
  /** Opened, ended, or its totals changed. */
  'session.changed': sessionSchema,
  /** What is known of a device has changed; at most ten times a second for each. */
  'device.changed': deviceDetailsSchema,
  /** Each read of a device, in test mode too, after its answer. */
  'device.scan': deviceReadSchema,
  /** A verdict, after its commit, by whatever device; and again when it was taken back, or compared with the site's. */
  'gate.verdict': gateVerdictSchema,
  /** What somebody showed at the gate's window has no verdict, and will have none. */
  'gate.failed': z.object({}),
  /** Attendance, the list, the site or the door has changed; at most ten times a second. */
  'gate.changed': gateStatusSchema,
  'review.changed': reviewChangedSchema,
  /** The open item of the shooting desk, or what is told of the others, has changed; at most ten times a second. */
  'item.changed': deskSchema,
  'product.changed': productChangedSchema,
  /** A drill has begun, got on, or ended. */
  'drill.changed': drillStatusSchema,
  /** A code was scanned, or the station came to a site, or left one. */
  'enrolment.changed': enrolmentStatusSchema,
  'status.changed': stationStatusSchema,
  'settings.changed': settingsSchema,
} as const satisfies Record<TopicName, z.ZodType>

export type TopicPayload<T extends TopicName> = z.output<(typeof topics)[T]>
