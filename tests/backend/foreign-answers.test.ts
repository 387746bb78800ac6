import { describe, expect, it } from 'vitest'
import { foreignProblemSchema, problemBody } from '#contract/backend/problem.ts'
import { foreignProductPageSchema, foreignProductSchema } from '#contract/backend/products.ts'
import {
  foreignCapturePageSchema,
  foreignCaptureSchema,
  foreignSessionDetailSchema,
  foreignSessionPollSchema,
  foreignSessionSummarySchema,
} from '#contract/backend/scanner.ts'
import { scanner, startSite } from './fixture.ts'

describe('a foreign answer', () => {
  it('of the older revision gives the same capture as one of the newer', () => {
    const older = foreignCaptureSchema.parse({
      public_id: 'aceghjkpqrtw',
      status: 'COMPLETED',
      capture_type: 'BARCODE',
      raw_value: '1',
      gtin: '',
      error_message: '',
      created: '2023-11-07T05:31:56Z',
      product_public_id: 'p1',
      product_name: 'Marker',
    })
    const newer = foreignCaptureSchema.parse({
      id: 'aceghjkpqrtw',
      status: 'COMPLETED',
      capture_type: 'BARCODE',
      raw_value: '1',
      gtin: '',
      error_message: '',
      created: '2023-11-07T05:31:56Z',
      metadata: {},
      product_short_id: 'p1',
      product_name: 'Marker',
      qr_analysis: null,
    })
    expect([older.id, older.product_short_id]).toEqual(['aceghjkpqrtw', 'p1'])
    expect([newer.id, newer.product_short_id]).toEqual([older.id, older.product_short_id])
  })

  it('keeps unknown keys, and an unknown word becomes unknown', () => {
    expect(foreignCaptureSchema.parse({ status: 'WAITING', capture_type: 'VIDEO', score: 1 })).toMatchObject({
      id: null,
      status: 'unknown',
      capture_type: 'unknown',
      score: 1,
    })
    expect(foreignSessionSummarySchema.parse({ public_id: 's', status: 'PAUSED' })).toMatchObject({
      id: 's',
      status: 'unknown',
      capture_count: 0,
    })
    expect(foreignSessionPollSchema.parse({ captures: null })).toMatchObject({
      session_status: 'unknown',
      captures: [],
    })
  })

  it('may have null or nothing where a text or a list is documented', () => {
    expect(
      foreignCaptureSchema.parse({ status: 'PENDING', gtin: null, gs1_dl_data: null, metadata: null }),
    ).toMatchObject({ gtin: '', gs1_dl_data: {}, metadata: {} })
    expect(foreignSessionDetailSchema.parse({ captures: null }).captures).toEqual([])
    expect(foreignProductSchema.parse({ public_id: 'p', brand: null })).toMatchObject({ id: 'p', brand: '', gtin: '' })
  })

  it('is a page in an envelope or a bare array', () => {
    expect(foreignProductPageSchema.parse([{ id: 'p' }]).data).toHaveLength(1)
    expect(foreignProductPageSchema.parse({ data: [{ id: 'p' }], pagination: null }).data).toHaveLength(1)
    expect(foreignCapturePageSchema.parse({ data: [] }).data).toEqual([])
    expect(foreignProductPageSchema.safeParse({ items: [] }).success).toBe(false)
  })

  it('that is an error is read in either shape, and in Django Ninja’s own', () => {
    const ours = foreignProblemSchema.parse(
      problemBody('validation_error', 'gtin: wrong', new Date(), { errors: [{ field: 'gtin', message: 'wrong' }] }),
    )
    expect(ours).toMatchObject({ code: 'validation_error', message: 'gtin: wrong', retryable: false })
    expect(ours.fields).toEqual([{ field: 'gtin', message: 'wrong' }])
    const older = foreignProblemSchema.parse({
      error: { code: 'VALIDATION_ERROR', message: 'm', status: 422, details: [{ field: 'gtin', message: 'wrong' }] },
    })
    expect(older).toMatchObject({
      code: 'validation_error',
      message: 'm',
      fields: [{ field: 'gtin', message: 'wrong' }],
    })
    expect(foreignProblemSchema.parse({ detail: [{ msg: 'x' }] }).message).toBe('[{"msg":"x"}]')
    expect(foreignProblemSchema.parse({}).message).toBe('')
  })

  it('of our own server is one of them', async () => {
    const site = await startSite()
    const id = await site.openSession()
    await site.submit(id, 'x')
    const detail = foreignSessionDetailSchema.parse((await site.call('GET', `${scanner}/sessions/${id}`)).body)
    expect([detail.id, detail.status, detail.captures[0]?.raw_value]).toEqual([id, 'ACTIVE', 'x'])
  })
})
