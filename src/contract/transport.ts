import type { z } from 'zod'
import type { Result } from '#contract/result.ts'
import type { Purpose } from '#contract/station/staff.ts'

/**
 * The road between a window and the station: two methods, whatever carries them.
 *
 * Carriers: in-process (the station itself), Electron IPC (`preload`, `main`), WebSocket (`web`).
 * Bytes never travel here; photos and exports go through HTTP requests to the station's `handle`.
 */
export interface Transport {
  /** Asks for one procedure by name; the answer is always a Result, also for unknown names and bad input. */
  call(name: string, input: unknown): Promise<Result<unknown>>
  /** Listens to a topic; returns the function that stops it. Events before the subscription are not repeated. */
  subscribe(topic: string, listener: (payload: unknown) => void): () => void
}

/** A procedure's two schemas. Input is parsed strictly where it arrives; output is what the type says. */
export interface ProcedureDefinition {
  readonly input: z.ZodType
  readonly output: z.ZodType
  /**
   * What staff must have been let in for, once this station has staff; the input carries their `grant` then, beside what
   * its schema names. A function says it of the parsed input, null for what anybody may do.
   */
  readonly purpose?: Purpose | ((input: never) => Purpose | null)
}

/** Where the WebSocket carrier listens, relative to the origin. */
export const transportPath = '/transport'

/** The largest message a carrier accepts, in bytes: everything larger is a photo and goes by HTTP. */
export const maxMessageBytes = 256 * 1024
