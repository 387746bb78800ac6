import { describe, expect, it } from 'vitest'
import type { Capture } from '#contract/station/capture.ts'
import { canBecomeProduct, captureView, isRetryable } from '#renderer/ui/capture-view.ts'

const product = { id: 'p', gtin: '05449000000996', name: 'Cola', brand: '', netContent: '' }
const capture = (fields: Partial<Capture>): Capture => ({
  id: '019aa000-0000-7000-8000-000000000000',
  sequence: 1,
  sessionId: '019aa000-0000-7000-8000-000000000001',
  type: 'BARCODE',
  source: 'wedge',
  deviceName: '',
  raw: '5449000000996',
  symbologyIdentifier: null,
  symbology: 'ean13',
  gtin: '05449000000996',
  addOn: null,
  elements: [],
  warnings: [],
  quantity: 1,
  disposition: 'counted',
  repeatOf: 0,
  capturedAt: '2026-11-21T09:30:00.000Z',
  state: 'PENDING',
  sync: 'waiting',
  attempts: 0,
  nextAttemptAt: null,
  syncError: null,
  errorMessage: '',
  remoteId: null,
  product: null,
  location: null,
  photo: null,
  marks: [],
  photoRole: null,
  ...fields,
})

describe('what a capture is to the person in front of it', () => {
  it.each([
    ['counted and looked up', { state: 'COMPLETED', sync: 'sent', product }, 'ok', 'found'],
    ['accepted without a product', { state: 'COMPLETED', sync: 'sent' }, 'ok', 'done'],
    ['unknown to the catalogue', { state: 'NOT_FOUND', sync: 'sent' }, 'attention', 'not_found'],
    ['refused by the server, whatever its state says', { state: 'PENDING', sync: 'parked' }, 'stop', 'parked'],
    ['failed at the server', { state: 'FAILED', sync: 'sent' }, 'stop', 'failed'],
    ['being looked up', { state: 'LOOKING_UP', sync: 'sent' }, 'waiting', 'looking_up'],
    ['in a state of a newer server', { state: 'unknown', sync: 'sent' }, 'info', 'unknown'],
    ['undone although it was found', { state: 'COMPLETED', product, disposition: 'undone' }, 'info', 'undone'],
    ['a quick repeat', { disposition: 'ignored', sync: 'none' }, 'info', 'ignored'],
    ['a second one where one may be', { disposition: 'rejected', sync: 'none' }, 'attention', 'rejected'],
  ] as const)('says of one %s', (_, fields, tone, word) => {
    expect(captureView(capture(fields), true)).toEqual({ tone, word })
  })

  it('says that it is kept here only while the server is away', () => {
    expect(captureView(capture({ sync: 'waiting' }), true).word).toBe('waiting')
    expect(captureView(capture({ sync: 'waiting' }), false).word).toBe('kept_offline')
    expect(captureView(capture({ sync: 'sending' }), false).word).toBe('kept_offline')
  })

  it('offers a retry only where the station would do something', () => {
    expect(isRetryable(capture({ sync: 'parked' }))).toBe(true)
    expect(isRetryable(capture({ sync: 'sent', state: 'NOT_FOUND' }))).toBe(true)
    expect(isRetryable(capture({ sync: 'sent', state: 'NOT_FOUND', disposition: 'undone' }))).toBe(false)
    expect(isRetryable(capture({ sync: 'waiting' }))).toBe(false)
    expect(isRetryable(capture({ sync: 'sent', syncError: { code: 'forbidden', message: 'no photos' } }))).toBe(true)
  })

  it('offers to create a product only for a number the catalogue does not know', () => {
    expect(canBecomeProduct(capture({ state: 'NOT_FOUND' }))).toBe(true)
    expect(canBecomeProduct(capture({ state: 'NOT_FOUND', gtin: null }))).toBe(false)
    expect(canBecomeProduct(capture({ state: 'COMPLETED', product }))).toBe(false)
  })
})
