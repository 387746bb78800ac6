import { z } from 'zod'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'
import { matchedProductSchema, syncStateSchema, dispositionSchema } from '#contract/station/capture.ts'
import { photoQualitySchema } from '#contract/station/photo-quality.ts'
import { shotListSchema, shotListViewSchema } from '#contract/station/shot-list.ts'
import { idSchema, instantSchema, mediaHashSchema } from '#contract/station/values.ts'
import type { ProcedureDefinition } from '#contract/transport.ts'

/** One photo of an item. */
export const itemPhotoSchema = z.object({
  /** Its capture: taken again or back, it is another. */
  captureId: idSchema,
  photo: mediaHashSchema,
  view: photoRoleSchema,
  deviceName: z.string(),
  takenAt: instantSchema,
  widthPixels: z.number().int(),
  heightPixels: z.number().int(),
  quality: photoQualitySchema.nullable(),
  /** `undone`: deleted; the row stays and the photo can be brought back. */
  disposition: dispositionSchema,
  sync: syncStateSchema,
  /** The backend's or the network's words, when it is not there yet. */
  syncError: z.string().nullable(),
  /** Of a part of the work that has been submitted: nothing of it can be changed. */
  isFixed: z.boolean(),
})
export type ItemPhoto = z.infer<typeof itemPhotoSchema>

/**
 * How a view of the list stands. `good`: there is a photo that can be used. `check`: there is one that somebody should
 * look at. `retake`: only ones that cannot be read. `missing`: none.
 */
export const viewStateSchema = z.enum(['good', 'check', 'retake', 'missing'])
export type ViewState = z.infer<typeof viewStateSchema>

/**
 * What is known of the item's product. `known`: the catalogue's record, asked for or remembered. `new`: the backend has
 * none. `unknown_here`: it cannot be asked now, and this station has never seen it. `asking`: the answer is on its way.
 */
export const itemProductSchema = z.object({
  state: z.enum(['known', 'new', 'unknown_here', 'asking', 'no_gtin']),
  product: matchedProductSchema.nullable(),
})

/** A product that is being photographed, or was. One can come back to it. */
export const itemSchema = z.object({
  id: idSchema,
  /** GTIN-14; null for a code that holds none. */
  gtin: z.string().nullable(),
  /** The code that opened it, verbatim. */
  raw: z.string(),
  /** `open`: under the cameras now. `left`: not submitted. */
  state: z.enum(['open', 'left', 'submitted']),
  openedAt: instantSchema,
  submittedAt: instantSchema.nullable(),
  product: itemProductSchema,
  list: shotListSchema,
  /** The views of the list, in its order. */
  views: z.array(shotListViewSchema.extend({ state: viewStateSchema, photos: z.number().int() })),
  /** The view that the next photo of a camera without a role is; null when nothing is missing. */
  next: photoRoleSchema.nullable(),
  /** In their order, deleted ones last. */
  photos: z.array(itemPhotoSchema),
  /**
   * Taken a moment ago: on the disk and judged by its picture alone, not captured yet. Its codes are being read, by which it
   * may turn out to be of another product.
   */
  coming: z.array(z.object({ photo: mediaHashSchema, view: photoRoleSchema, quality: photoQualitySchema })),
})
export type Item = z.infer<typeof itemSchema>

/** An item as a list shows it. */
export const itemEntrySchema = itemSchema
  .pick({ id: true, gtin: true, raw: true, state: true, openedAt: true, submittedAt: true })
  .extend({
    name: z.string(),
    photos: z.number().int(),
    missing: z.number().int(),
    thumbnail: mediaHashSchema.nullable(),
  })
export type ItemEntry = z.infer<typeof itemEntrySchema>

/** The desk as it stands. */
export const deskSchema = z.object({
  item: itemSchema.nullable(),
  /** Another session is open, which has to end first. */
  isTaken: z.boolean(),
  figures: z.object({
    /** Since midnight. */
    items: z.number().int(),
    photos: z.number().int(),
    /** From submission to submission, over the last ones without pauses; null before the second. */
    msPerItem: z.number().nullable(),
    /** Items that were begun and not submitted. */
    left: z.number().int(),
  }),
})
export type Desk = z.infer<typeof deskSchema>

export const itemPlaceSchema = z.strictObject({ captureId: idSchema, place: z.number().int().min(0).max(500) })

const nothing = z.strictObject({})
const byItem = z.strictObject({ itemId: idSchema })
const byCapture = z.strictObject({ captureId: idSchema })

/** What a window may ask of the shooting desk. */
export const itemProcedures = {
  /**
   * A window shows the desk, and goes on saying so: while one does, what scanners read opens items. With `on` false, or a
   * minute after the last time, it does no more. An open item stays one.
   */
  'item.attend': { input: z.strictObject({ window: idSchema, on: z.boolean() }), output: deskSchema },
  'item.desk': { input: nothing, output: deskSchema },
  /** Items that were left first, then the others, the newest first. */
  'item.list': {
    input: z.strictObject({ limit: z.number().int().min(1).max(200).default(50) }),
    output: z.array(itemEntrySchema),
  },
  /** Comes back to an item; one that is open is left. `conflict` while another session is open. */
  'item.open': { input: byItem, output: deskSchema },
  /** Leaves the open item; what is there goes to the backend and is read, and the item waits to be come back to. */
  'item.leave': { input: nothing, output: deskSchema },
  /** Ends the open item: its photos are read by the backend. `conflict` for one without a photo. */
  'item.submit': { input: nothing, output: deskSchema },
  /** Another kind of product, with other views. */
  'item.setList': { input: z.strictObject({ itemId: idSchema, listId: z.string().max(40) }), output: deskSchema },
  /** Says what a photo shows; the backend is told. */
  'item.classify': { input: z.strictObject({ captureId: idSchema, view: photoRoleSchema }), output: deskSchema },
  /** Puts a photo to another place among those of its item, from 0. */
  'item.move': { input: itemPlaceSchema, output: deskSchema },
  /** Deletes a photo: it counts no more; its row and its bytes stay. */
  'item.remove': { input: byCapture, output: deskSchema },
  /** Brings a deleted photo back, as a new capture. */
  'item.restore': { input: byCapture, output: deskSchema },
  /** Has the backend asked again for the product. */
  'item.lookUp': { input: byItem, output: deskSchema },
} as const satisfies Record<string, ProcedureDefinition>
