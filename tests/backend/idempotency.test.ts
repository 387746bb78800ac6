import { describe, expect, it } from 'vitest'
import { jpeg, photoForm, products, scanner, startSite } from './fixture.ts'

const key = (value: string) => ({ 'Idempotency-Key': value })

describe('an Idempotency-Key', () => {
  it('replays the stored answer and makes nothing twice', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const first = await site.submit(id, '4006381333931', {}, key('scan-1'))
    await site.settled(first.body.id)
    const second = await site.submit(id, '4006381333931', {}, key('scan-1'))
    expect([second.status, second.body]).toEqual([201, first.body])
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect((await site.call('GET', `${scanner}/captures`)).body.pagination.total_count).toBe(1)
  })

  it('with another request answers 422, and belongs to its path', async () => {
    const site = await startSite()
    const id = await site.openSession()
    await site.submit(id, 'one', {}, key('k'))
    const other = await site.submit(id, 'two', {}, key('k'))
    expect([other.status, other.body.error_code]).toEqual([422, 'unprocessable_entity'])
    expect((await site.call('POST', `${scanner}/sessions`, {}, key('k'))).status).toBe(201)
    expect((await site.call('POST', products, { gtin: '4006381333931' }, key('k'))).status).toBe(201)
  })

  it('is not used up by a 422, but by a 404 and a 409', async () => {
    const site = await startSite()
    const id = await site.openSession()
    expect((await site.submit(id, '', {}, key('k'))).status).toBe(422)
    expect((await site.submit(id, 'now right', {}, key('k'))).status).toBe(201)
    const lost = await site.submit('CXc85b4rqinB7s5J52TRYb', 'x', {}, key('lost'))
    const again = await site.submit('CXc85b4rqinB7s5J52TRYb', 'x', {}, key('lost'))
    expect([again.status, again.body]).toEqual([404, lost.body])
  })

  it('sent many times at once makes one capture; the others are replayed or told to wait', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => site.submit(id, '4006381333931', {}, key('burst'))),
    )
    expect(replies.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect(replies.some(({ status }) => status === 201)).toBe(true)
    expect((await site.call('GET', `${scanner}/captures`)).body.pagination.total_count).toBe(1)
  })

  it('holds for uploads, whose multipart boundary differs each time, and looks at the photo', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const upload = (bytes: number) =>
      site.call('POST', `${scanner}/captures/upload-image`, photoForm({ session_short_id: id }, jpeg(bytes)), key('p'))
    const first = await upload(500)
    expect((await upload(500)).body).toEqual(first.body)
    expect((await upload(501)).status).toBe(422)
  })

  it('must be printable and not too long, and is forgotten after 24 hours', async () => {
    const site = await startSite()
    const id = await site.openSession()
    for (const bad of ['', 'x'.repeat(256), 'tab\there']) {
      expect((await site.submit(id, 'x', {}, key(bad))).status).toBe(422)
    }
    site.clock.at = new Date()
    const first = await site.call('POST', `${scanner}/sessions`, {}, key('day'))
    site.clock.at = new Date(site.clock.at.getTime() + 24 * 3_600_000)
    const later = await site.call('POST', `${scanner}/sessions`, {}, key('day'))
    expect(later.status).toBe(201)
    expect(later.body.id).not.toBe(first.body.id)
  })

  it('holds after a restart', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const first = await site.submit(id, 'x', {}, key('k'))
    await site.close()
    const next = await startSite({ dataDir: site.dataDir })
    expect(next.apiKey).toBe(site.apiKey)
    expect((await next.submit(id, 'x', {}, key('k'))).body).toEqual(first.body)
  })
})
