import { z } from 'zod'
import { instantSchema } from '#contract/station/values.ts'

/** The stations that get a version first, those that follow, and everybody. */
export const updateRingSchema = z.enum(['pilot', 'early', 'all'])

/** How an update stands. */
export const updateStatusSchema = z.object({
  /**
   * `unavailable`: this installation is not updated by Capstan itself. `off`: no server is set. `unsigned`: what is offered is
   * not by the release key. `taken_back`: it is offered, but did not work here. `ready`: it is installed once nobody works.
   */
  state: z.enum(['unavailable', 'off', 'current', 'found', 'ready', 'failed', 'unsigned', 'taken_back']),
  /** The version it is about; null for none. */
  version: z.string().nullable(),
  /** What a ready one waits for; null for nothing. */
  waitsFor: z.enum(['session', 'work', 'sending', 'room']).nullable(),
  message: z.string().nullable(),
  checkedAt: instantSchema.nullable(),
  /** Versions that were tried here and taken back. */
  failed: z.array(z.string()),
})
export type UpdateStatus = z.infer<typeof updateStatusSchema>

/** A file of an update, as electron-builder describes it. */
export interface UpdateFile {
  readonly url: string
  /** Base64. */
  readonly sha512: string
  readonly size?: number | undefined
}

/** The text that the release key signs: which files are which version, for whom. */
export function updateMessage(of: {
  readonly ring: string
  readonly platform: string
  readonly version: string
  readonly files: readonly UpdateFile[]
}): string {
  const files = of.files.map(({ url, sha512, size }) => [url, sha512, size ?? null])
  return JSON.stringify(['capstan-update-1', of.platform, of.ring, of.version, files])
}
