import type { NewCapture } from '#station/store/captures.ts'

let lastCapture = 0

/** A capture as `capture` would make it of a plain text. */
export function newCapture(sessionId: string, fields: Partial<NewCapture> = {}): NewCapture {
  const raw = fields.raw ?? 'TEXT'
  return {
    id: `00000000-0000-7000-9000-${String((lastCapture += 1)).padStart(12, '0')}`,
    sessionId,
    type: 'BARCODE',
    source: 'stdin',
    deviceName: '',
    raw,
    symbologyIdentifier: null,
    symbology: 'unknown',
    gtin: null,
    addOn: null,
    elements: [],
    warnings: [],
    disposition: 'counted',
    read: null,
    repeatOf: 0,
    capturedAt: '2026-11-21T09:00:00.000Z',
    monotonicMs: 0,
    photo: null,
    photoRole: null,
    location: null,
    itemKey: `raw:${raw}`,
    upload: null,
    ...fields,
  }
}
