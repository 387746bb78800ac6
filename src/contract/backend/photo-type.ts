import { z } from 'zod'

/** What a photo shows (contracts 1.6); it routes the photo in vision. */
export const photoTypes = [
  'front',
  'back',
  'left',
  'right',
  'top',
  'bottom',
  'nutrition',
  'ingredients',
  'barcode',
  'recycling',
  'certification',
  'other',
] as const
export const photoTypeSchema = z.enum(photoTypes).meta({ id: 'PhotoType' })
export type PhotoType = z.infer<typeof photoTypeSchema>
