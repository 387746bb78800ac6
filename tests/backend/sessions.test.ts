import { describe, expect, it } from 'vitest'
import { sessionDetailSchema, sessionPollSchema, sessionSummarySchema } from '#contract/backend/scanner.ts'
import { fromShortUuid } from '#domain/shortuuid.ts'
import { photoForm, scanner, startSite } from './fixture.ts'

describe('sessions', () => {
  it('are created from an empty body with the documented defaults', async () => {
    const site = await startSite()
    const { status, body } = await site.call('POST', `${scanner}/sessions`)
    expect(status).toBe(201)
    const session = sessionSummarySchema.strict().parse(body)
    expect(session).toMatchObject({
      status: 'ACTIVE',
      capture_mode: 'barcode_scan',
      extraction_status: 'pending',
      metadata: {},
      capture_count: 0,
      photo_count: 0,
      public_id: session.id,
    })
  })

  it('refuse unknown fields, unknown modes and another organisation', async () => {
    const site = await startSite()
    const unknown = await site.call('POST', `${scanner}/sessions`, { capture_mod: 'both' })
    expect(unknown.status).toBe(422)
    expect(unknown.body.errors).toEqual([{ field: 'capture_mod', message: 'is not a field of this request' }])
    expect((await site.call('POST', `${scanner}/sessions`, { capture_mode: 'all' })).body.errors[0].field).toBe(
      'capture_mode',
    )
    const foreign = await site.call('POST', `${scanner}/sessions`, { organization_short_id: 'CXc85b4rqinB7s5J52TRYb' })
    expect(foreign.status).toBe(404)
  })

  it('are found by shortuuid and by UUID, with their captures', async () => {
    const site = await startSite()
    const id = await site.openSession({ capture_mode: 'both', device_context: { kiosk: 3 } })
    const first = await site.submit(id, '4006381333931')
    const second = await site.submit(id, 'hello')
    for (const name of [id, fromShortUuid(id)]) {
      const { status, body } = await site.call('GET', `${scanner}/sessions/${name}`)
      expect(status).toBe(200)
      const detail = sessionDetailSchema.strict().parse(body)
      expect(detail.captures.map((capture) => capture.id)).toEqual([first.body.id, second.body.id])
      expect(detail.device_context).toEqual({ kiosk: 3 })
    }
    const poll = await site.call('GET', `${scanner}/sessions/${id}/status`)
    expect(sessionPollSchema.parse(poll.body).captures).toHaveLength(2)
    expect(poll.body.session_status).toBe('ACTIVE')
  })

  it('answer 422 for what is no id and 404 for the id of nothing', async () => {
    const site = await startSite()
    expect((await site.call('GET', `${scanner}/sessions/nonsense`)).status).toBe(422)
    expect((await site.call('GET', `${scanner}/sessions/CXc85b4rqinB7s5J52TRYb`)).status).toBe(404)
    // Matches the pattern, but is more than 128 bits.
    expect((await site.call('GET', `${scanner}/sessions/${'z'.repeat(22)}`)).status).toBe(404)
  })

  it('are listed newest first, filtered and paged', async () => {
    const site = await startSite()
    const ids = []
    for (let index = 0; index < 5; index += 1) ids.unshift(await site.openSession({ capture_mode: 'both' }))
    await site.openSession()
    await site.call('POST', `${scanner}/sessions/${ids[0]}/end`)
    const page = await site.call('GET', `${scanner}/sessions?capture_mode=both&page=2&page_size=2`)
    expect(page.body.data.map((session: { id: string }) => session.id)).toEqual([ids[2], ids[3]])
    expect(page.body.pagination).toEqual({
      page: 2,
      page_size: 2,
      total_count: 5,
      total_pages: 3,
      has_next: true,
      has_previous: true,
    })
    const ended = await site.call('GET', `${scanner}/sessions?status=COMPLETED`)
    expect(ended.body.data.map((session: { id: string }) => session.id)).toEqual([ids[0]])
    const later = await site.call('GET', `${scanner}/sessions?created_after=2999-01-01T00:00:00%2B01:00`)
    expect(later.body.data).toEqual([])
    for (const bad of [
      'status=active',
      'page=0',
      'page_size=101',
      'created_after=yesterday',
      'colour=red',
      'page=1&page=2',
    ]) {
      expect((await site.call('GET', `${scanner}/sessions?${bad}`)).status, bad).toBe(422)
    }
  })

  it('merge metadata, delete keys by an empty text, and clear all by {} or null', async () => {
    const site = await startSite()
    const id = await site.openSession({ metadata: { a: '1', b: '2', empty: '' } })
    const patch = async (metadata: unknown) =>
      (await site.call('PATCH', `${scanner}/sessions/${id}`, { metadata })).body
    expect((await patch({ b: '', c: '3' })).metadata).toEqual({ a: '1', c: '3' })
    expect((await patch({})).metadata).toEqual({})
    await patch({ a: '1' })
    expect((await patch(null)).metadata).toEqual({})
    expect((await patch({ ['k'.repeat(41)]: 'v' })).status).toBe(422)
    expect((await patch({ k: 'v'.repeat(501) })).status).toBe(422)
    const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, 'v']))
    expect(Object.keys((await patch(fifty)).metadata)).toHaveLength(50)
    expect((await patch({ one: 'more' })).errors[0].field).toBe('metadata')
    expect(Object.keys((await patch({ one: 'more', key0: '' })).metadata)).toHaveLength(50)
  })

  it('end once, stay ended, and take no captures after it', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const ended = await site.call('POST', `${scanner}/sessions/${id}/end`)
    expect(ended.body.status).toBe('COMPLETED')
    expect((await site.call('POST', `${scanner}/sessions/${id}/end`)).body).toEqual(ended.body)
    const late = await site.submit(id, '4006381333931')
    expect(late.status).toBe(409)
    expect(late.body.detail).toContain('COMPLETED')
    expect((await site.call('PATCH', `${scanner}/sessions/${id}`, { metadata: { a: 'b' } })).status).toBe(409)
  })

  it('expire when they idle past their time, at once for a reader, and a capture keeps them awake', async () => {
    const site = await startSite({ sessionTtlSeconds: 1_800 })
    site.clock.at = new Date('2026-11-21T09:00:00.000Z')
    const id = await site.openSession()
    site.clock.at = new Date('2026-11-21T09:29:59.999Z')
    expect((await site.submit(id, '4006381333931')).status).toBe(201)
    site.clock.at = new Date('2026-11-21T09:59:59.998Z')
    expect((await site.call('GET', `${scanner}/sessions/${id}`)).body.status).toBe('ACTIVE')
    site.clock.at = new Date('2026-11-21T10:00:00.000Z')
    expect((await site.call('GET', `${scanner}/sessions/${id}`)).body.status).toBe('EXPIRED')
    expect((await site.call('GET', `${scanner}/sessions?status=EXPIRED`)).body.data).toHaveLength(1)
    expect((await site.call('GET', `${scanner}/sessions?status=ACTIVE`)).body.data).toHaveLength(0)
    const late = await site.submit(id, '4006381333931')
    expect([late.status, late.body.detail]).toEqual([409, expect.stringContaining('EXPIRED')])
    expect((await site.call('POST', `${scanner}/sessions/${id}/end`)).status).toBe(409)
    expect((await site.call('POST', `${scanner}/sessions/${id}/submit`)).status).toBe(409)
  })

  it('are submitted with a photo only, once, and are ready when its processing has ended', async () => {
    const site = await startSite()
    const id = await site.openSession({ capture_mode: 'product_photography' })
    const review = async (how: string) => {
      const { status, body } = await site.call('POST', `${scanner}/sessions/${id}/extraction/${how}`)
      return [status, body.detail]
    }
    for (const how of ['accept', 'reject']) {
      expect(await review(how)).toEqual([409, expect.stringContaining('pending')])
    }
    expect((await site.call('POST', `${scanner}/sessions/${id}/submit`)).status).toBe(422)
    await site.call('POST', `${scanner}/captures/upload-image`, photoForm({ session_short_id: id }))
    const submitted = await site.call('POST', `${scanner}/sessions/${id}/submit`)
    expect(submitted.body).toMatchObject({ status: 'COMPLETED', extraction_status: 'processing', capture_count: 1 })
    expect((await site.call('POST', `${scanner}/sessions/${id}/submit`)).status).toBe(409)
    await expect
      .poll(async () => (await site.call('GET', `${scanner}/sessions/${id}/status`)).body.extraction_status)
      .toBe('ready')
  })

  it('are deleted with their captures, but not while one is being processed', async () => {
    const site = await startSite()
    let id = ''
    let capture = ''
    // Whether the pipeline is still at it is a race; the pipeline loses it sooner or later.
    await expect
      .poll(async () => {
        id = await site.openSession()
        capture = (await site.submit(id, '4006381333931')).body.id
        return (await site.call('DELETE', `${scanner}/sessions/${id}`)).status
      })
      .toBe(409)
    await site.settled(capture)
    expect((await site.call('DELETE', `${scanner}/sessions/${id}`)).status).toBe(204)
    expect((await site.call('GET', `${scanner}/sessions/${id}`)).status).toBe(404)
    expect((await site.call('GET', `${scanner}/captures/${capture}`)).status).toBe(404)
  })
})
