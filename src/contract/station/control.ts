import { z } from 'zod'
import { captureSchema, scanOutcomeSchema } from '#contract/station/capture.ts'
import { captureModeSchema } from '#contract/station/session.ts'
import { idSchema } from '#contract/station/values.ts'

/** Where captures are, as a control code or a label on a shelf says it. */
export const locationSchema = z.string().min(1).max(100)

/** What a control barcode asks for. The station does the first six kinds itself; the others are for the window. */
export const controlCommandSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('mode'), mode: captureModeSchema }),
  /** Sets the quantity of the last capture. */
  z.object({ kind: z.literal('quantity'), quantity: z.number().int().min(1).max(9) }),
  /** Multiplies the quantity of the last capture by ten. */
  z.object({ kind: z.literal('tenfold') }),
  z.object({ kind: z.literal('undo') }),
  /** Where the captures from now on are; null takes the location away. */
  z.object({ kind: z.literal('location'), location: locationSchema.nullable() }),
  /** The next scan of the same scanner names the location. */
  z.object({ kind: z.literal('location_next') }),
  z.object({ kind: z.literal('end') }),
  z.object({ kind: z.literal('shoot') }),
  z.object({ kind: z.literal('accept') }),
  z.object({ kind: z.literal('reject') }),
  z.object({ kind: z.literal('skip') }),
  /** The scanner that reads it is the one to register; a printed one has no nonce. */
  z.object({ kind: z.literal('register'), nonce: z.string().nullable() }),
])
export type ControlCommand = z.infer<typeof controlCommandSchema>

/** The station's answer to a control barcode, given only after what it changed is durable. It is never a capture. */
export const controlOutcomeSchema = z.object({
  outcome: z.literal('control'),
  command: controlCommandSchema,
  sessionId: idSchema,
  deviceName: z.string(),
  /** The capture it changed, if it changed one. */
  capture: captureSchema.nullable(),
})
export type ControlOutcome = z.infer<typeof controlOutcomeSchema>

/** The answer to a read in test mode, to the code that registers a scanner, or to a pass at the gate: no capture was saved. */
export const checkOutcomeSchema = z.object({
  outcome: z.literal('checked'),
  /** It keeps the rules of its own kind: check digits, GS1 syntax; at the gate: its person is let in. */
  isSound: z.boolean(),
})
export type CheckOutcome = z.infer<typeof checkOutcomeSchema>

/** What a scan turned out to be: a capture, a control barcode, or only a check. */
export const scanAnswerSchema = z.discriminatedUnion('outcome', [
  scanOutcomeSchema,
  controlOutcomeSchema,
  checkOutcomeSchema,
])
export type ScanAnswer = z.infer<typeof scanAnswerSchema>
