import { z } from 'zod'
import { instantSchema, mediaHashSchema } from '#contract/station/values.ts'

/**
 * What may be wrong with a photo, the worst first: what cannot be read later whatever one does, then what may be.
 */
export const photoFaultSchema = z.enum([
  'other_product',
  'too_dark',
  'too_bright',
  'blurred',
  'not_legible',
  'upside_down',
  'other_pack',
  'glare',
  'text_too_small',
  'cut_off',
  'tilted',
  'no_text',
  'no_code',
  'repeated',
])
export type PhotoFault = z.infer<typeof photoFaultSchema>

const alikeSchema = z.object({ photo: mediaHashSchema, takenAt: instantSchema })

/**
 * How fit a photo is to be read from, as the uploaded image shows it (at most 2,048 pixels a side). Only print that is
 * too small in the original is called too small: the uploaded image can be made larger, the original cannot.
 */
export const photoQualitySchema = z.object({
  /** `retake`: what is on it will not be read. `check`: look at it once. */
  verdict: z.enum(['good', 'check', 'retake']),
  /** In the order of `photoFaultSchema`. */
  faults: z.array(photoFaultSchema),
  /** The share of the text that can be read, 0 to 1; null where no line of text was found. */
  legibility: z.number().min(0).max(1).nullable(),
  measures: z.object({
    /** Lines of text that were found. */
    textLines: z.number().int(),
    /** The median height of the letters in pixels of the uploaded image; null without text. */
    textHeightPixels: z.number().nullable(),
    /** How far the lines of text are from level or upright, in degrees from -45 to 45; null without text. */
    tiltDegrees: z.number().nullable(),
    /** How wide edges are, in pixels of the uploaded image: 1 is as sharp as pixels can be. */
    edgeWidthPixels: z.number().nullable(),
    /** Brightness between 0 and 255: the darkest and brightest hundredth, and the middle. */
    darkest: z.number(),
    middle: z.number(),
    brightest: z.number(),
    /** The share of the text's area under reflections, 0 to 1. */
    glareShare: z.number(),
    /** The share of the lines that run out of the picture, 0 to 1. */
    cutOffShare: z.number(),
  }),
  /** The photo of the same session that this one looks like and shows no more than, and when that was taken. */
  repeats: alikeSchema.nullable(),
  /** The photo of the same session that this one looks like and shows more than: a good retake of a bad one. */
  improves: alikeSchema.nullable().default(null),
})
export type PhotoQuality = z.infer<typeof photoQualitySchema>
