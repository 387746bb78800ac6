import { z } from 'zod'

/**
 * The closed list of symbologies Capstan distinguishes. Every AIM identifier and every decoder's
 * format name maps onto one of these (`domain/symbology.ts`); what maps nowhere is `unknown`.
 */
export const symbologies = [
  'ean13',
  'ean8',
  'upca',
  'upce',
  'itf14',
  'itf',
  'code128',
  'gs1_128',
  'code39',
  'code93',
  'codabar',
  'databar',
  'databar_limited',
  'databar_expanded',
  'telepen',
  'dx_film_edge',
  'qr',
  'gs1_qr',
  'micro_qr',
  'rmqr',
  'datamatrix',
  'gs1_datamatrix',
  'pdf417',
  'micro_pdf417',
  'aztec',
  'gs1_aztec',
  'dotcode',
  'gs1_dotcode',
  'maxicode',
  'nfc',
  'manual',
  'unknown',
] as const

export const symbologySchema = z.enum(symbologies)
export type Symbology = z.infer<typeof symbologySchema>

/**
 * What cameras and photos are searched for: every code, those of retail (EAN-13, EAN-8, UPC-A, UPC-E), all that are made of
 * parallel bars, or all of two dimensions (PDF417 among them).
 */
export const codeGroupSchema = z.enum(['all', 'retail', 'linear', 'matrix'])
export type CodeGroup = z.infer<typeof codeGroupSchema>
