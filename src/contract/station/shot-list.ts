import { z } from 'zod'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'

/** What has to be on a photo for it to be of use: a code that can be read, or print that can. */
export const expectationSchema = z.enum(['code', 'print'])
export type Expectation = z.infer<typeof expectationSchema>

/** One view of a product that is wanted. */
export const shotListViewSchema = z.strictObject({
  view: photoRoleSchema,
  /** Without it the product is not complete. */
  required: z.boolean().default(true),
  expects: z.array(expectationSchema).max(2).default([]),
})
export type ShotListView = z.infer<typeof shotListViewSchema>

/** The views that are wanted of one kind of product, in the order in which they are shot. */
export const shotListSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, { error: 'use 1 to 40 small letters, digits, - and _' }),
  name: z.string().trim().min(1).max(60),
  views: z
    .array(shotListViewSchema)
    .min(1)
    .max(photoRoleSchema.options.length)
    .refine((views) => new Set(views.map(({ view }) => view)).size === views.length, {
      error: 'each view stands in a list once',
    }),
})
export type ShotList = z.infer<typeof shotListSchema>

/** All lists of a station. */
export const shotListsSchema = z
  .array(shotListSchema)
  .min(1)
  .max(50)
  .refine((lists) => new Set(lists.map(({ id }) => id)).size === lists.length, { error: 'each list has its own id' })

/** Shot lists as a file, to carry them from one station to others. */
export const shotListsFileSchema = z.strictObject({
  format: z.literal('capstan-shot-lists'),
  version: z.literal(1),
  lists: shotListsSchema,
})
export type ShotListsFile = z.infer<typeof shotListsFileSchema>

const wanted = (view: ShotListView['view'], ...expects: Expectation[]): ShotListView => ({
  view,
  required: true,
  expects,
})
const welcome = (view: ShotListView['view'], ...expects: Expectation[]): ShotListView => ({
  view,
  required: false,
  expects,
})

/** The lists that every station begins with. */
export const builtInShotLists: ShotList[] = [
  {
    id: 'food',
    name: 'Food and drink',
    views: [
      wanted('front'),
      wanted('back'),
      wanted('nutrition', 'print'),
      wanted('ingredients', 'print'),
      wanted('barcode', 'code'),
      welcome('certification'),
      welcome('recycling'),
    ],
  },
  {
    id: 'household',
    name: 'Household and care',
    views: [
      wanted('front'),
      wanted('back', 'print'),
      wanted('ingredients', 'print'),
      wanted('barcode', 'code'),
      welcome('recycling'),
    ],
  },
  {
    id: 'all-sides',
    name: 'All six sides',
    views: [wanted('front'), wanted('back'), wanted('left'), wanted('right'), wanted('top'), wanted('bottom')],
  },
  { id: 'front-only', name: 'Front only', views: [wanted('front')] },
]

/** A key as the window hears it (`KeyboardEvent.key`): that of a keyboard, a foot pedal or a remote control. */
export const shootKeySchema = z.string().min(1).max(40)

/** How products are photographed at this station. */
export const shootSettingsSchema = z.strictObject({
  lists: shotListsSchema.default(builtInShotLists),
  /** The list of the last product that was opened as something new: the next one begins with it. */
  list: z.string().max(40).default('food'),
  /** The key that has all cameras shoot. */
  key: shootKeySchema.default('PageDown'),
})
export type ShootSettings = z.infer<typeof shootSettingsSchema>
