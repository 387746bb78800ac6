import { describe, expect, it } from 'vitest'
import { photoSchema, uploadStateSchema, uploadUrlSchema } from '#contract/backend/photos.ts'
import { imageByteLimit } from '#contract/backend/scanner.ts'
import { jpeg, readReply, scanner, startSite, type Site } from './fixture.ts'

async function presign(site: Site, session: string, query = '') {
  const { status, body } = await site.call('GET', `${scanner}/sessions/${session}/presigned-upload-url${query}`)
  expect(status).toBe(200)
  return uploadUrlSchema.strict().parse(body)
}

/** Without a key: the address is the credential. */
async function put(url: string, content: Uint8Array<ArrayBuffer> | ReadableStream = jpeg()) {
  const init = { method: 'PUT', body: content, ...(content instanceof ReadableStream ? { duplex: 'half' } : {}) }
  return readReply(await fetch(url, init as RequestInit))
}

async function addPhoto(site: Site, session: string, more: object = {}, content = jpeg()): Promise<string> {
  const { upload_url, s3_key } = await presign(site, session)
  expect((await put(upload_url, content)).status).toBe(204)
  const reply = await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key, ...more })
  expect(reply.status).toBe(201)
  return reply.body.id as string
}

const order = async (site: Site, session: string) =>
  ((await site.call('GET', `${scanner}/sessions/${session}/photos`)).body as { id: string }[]).map(({ id }) => id)

describe('a presigned address', () => {
  it('takes a photo by PUT, which is then registered with the names of both revisions', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const capture = (await site.submit(session, '4006381333931')).body.id as string
    const { upload_url, s3_key, upload_fields, expires_in } = await presign(site, session, '?photo_type=nutrition')
    expect(upload_url.startsWith(site.url)).toBe(true)
    expect([upload_fields['key'], expires_in]).toEqual([s3_key, 900])
    const state = async () => uploadStateSchema.parse((await readReply(await fetch(upload_url))).body)
    expect(await state()).toEqual({ s3_key, uploaded: false, file_size: null })
    expect((await put(upload_url, jpeg(1_234))).status).toBe(204)
    expect(await state()).toEqual({ s3_key, uploaded: true, file_size: 1_234 })
    const { status, body } = await site.call('POST', `${scanner}/sessions/${session}/photos`, {
      s3_key,
      photo_type: 'nutrition',
      capture_public_id: capture,
      original_filename: 'IMG 1.jpg',
      file_size: 1_234,
      metadata: { shelf: '3', none: '' },
    })
    expect(status).toBe(201)
    expect(photoSchema.strict().parse(body)).toMatchObject({
      public_id: body.id,
      session_short_id: session,
      session_public_id: session,
      capture_short_id: capture,
      capture_public_id: capture,
      photo_type: 'nutrition',
      sort_order: 0,
      file_size: 1_234,
      metadata: { shelf: '3' },
    })
    const detail = (await site.call('GET', `${scanner}/sessions/${session}`)).body
    expect(detail.product_photos).toEqual([body])
    expect((await site.call('GET', `${scanner}/sessions`)).body.data[0].photo_count).toBe(1)
  })

  it('takes a form as S3 does: its fields, then the file', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const { upload_url, upload_fields, s3_key } = await presign(site, session)
    const form = (fields: Record<string, string>) => {
      const body = new FormData()
      for (const [name, value] of Object.entries(fields)) body.set(name, value)
      body.set('file', new Blob([jpeg()]), 'photo.jpg')
      return body
    }
    const post = async (body: FormData) => (await readReply(await fetch(upload_url, { method: 'POST', body }))).status
    expect(await post(form({ key: 'uploads/another' }))).toBe(422)
    expect(await post(form(upload_fields))).toBe(204)
    expect((await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key })).status).toBe(201)
  })

  it('may be sent to again until it is registered, and the last photo counts', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const { upload_url, s3_key } = await presign(site, session)
    for (const size of [500, 500, 700]) expect((await put(upload_url, jpeg(size))).status).toBe(204)
    const register = () => site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key })
    const photo = await register()
    expect([photo.status, photo.body.file_size]).toEqual([201, 700])
    expect((await register()).status).toBe(409)
    expect((await put(upload_url)).status).toBe(409)
    const again = { 'Idempotency-Key': 'photo-1' }
    const { s3_key: other, upload_url: otherUrl } = await presign(site, session)
    await put(otherUrl)
    const first = await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key: other }, again)
    const second = await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key: other }, again)
    expect([second.status, second.body, second.headers.get('idempotent-replayed')]).toEqual([201, first.body, 'true'])
  })

  it('ends after 15 minutes, cannot be forged, and takes nothing for a session that is over', async () => {
    const site = await startSite()
    site.clock.at = new Date('2026-11-21T09:00:00.000Z')
    const session = await site.openSession()
    const { upload_url } = await presign(site, session)
    const { upload_url: other } = await presign(site, session)
    const signature = (url: string) => url.slice(url.lastIndexOf('.'))
    expect((await put(upload_url.replace(signature(upload_url), signature(other)))).status).toBe(404)
    expect((await put(`${site.url}${scanner}/uploads/nothing`)).status).toBe(404)
    expect((await put(upload_url.replace(/\.\d{10}\./, '.9999999999.'))).status).toBe(404)
    site.clock.at = new Date('2026-11-21T09:14:59.000Z')
    expect((await put(upload_url)).status).toBe(204)
    site.clock.at = new Date('2026-11-21T09:15:00.000Z')
    expect((await put(upload_url)).status).toBe(403)
    const fresh = await presign(site, session)
    await site.call('POST', `${scanner}/sessions/${session}/end`)
    expect((await put(fresh.upload_url)).status).toBe(409)
    expect((await site.call('GET', `${scanner}/sessions/${session}/presigned-upload-url`)).status).toBe(409)
  })

  it('refuses what is no photo, is empty, too large, has too many pixels or breaks off', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const { upload_url } = await presign(site, session)
    const png = (width: number, height: number) => {
      const content = new Uint8Array(64)
      content.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52])
      new DataView(content.buffer).setUint32(16, width)
      new DataView(content.buffer).setUint32(20, height)
      return content
    }
    const status = async (content: Uint8Array<ArrayBuffer> | ReadableStream) => (await put(upload_url, content)).status
    expect(await status(new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'))).toBe(415)
    expect(await status(new Uint8Array())).toBe(422)
    expect(await status(jpeg(imageByteLimit + 1))).toBe(413)
    expect(await status(png(10_001, 10_000))).toBe(413)
    expect(await status(png(10_000, 10_000))).toBe(204)
    const chunked = new ReadableStream({
      start(controller) {
        for (let part = 0; part < 11; part += 1) controller.enqueue(jpeg(1024 * 1024))
        controller.close()
      },
    })
    expect(await status(chunked)).toBe(413)
  })
})

describe('photos', () => {
  it('are registered only when they have arrived, for this session and with the size that arrived', async () => {
    const site = await startSite()
    const [one, two] = [await site.openSession(), await site.openSession()]
    const { upload_url, s3_key } = await presign(site, one)
    const register = async (session: string, more: object = {}) =>
      (await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key, ...more })).status
    expect(await register(one)).toBe(422)
    await put(upload_url)
    expect(await register(two)).toBe(422)
    expect(await register(one, { file_size: 7 })).toBe(422)
    const capture = (await site.submit(two, 'x')).body.id as string
    expect(await register(one, { capture_short_id: capture })).toBe(422)
    expect(await register(one, { photo_type: 'selfie' })).toBe(422)
    expect(await register(one)).toBe(201)
  })

  it('are reordered when each is named once, and in no other case', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const ids = [await addPhoto(site, session), await addPhoto(site, session), await addPhoto(site, session)]
    const reorder = (photo_short_ids: unknown) =>
      site.call('POST', `${scanner}/sessions/${session}/photos/reorder`, { photo_short_ids })
    const [a = '', b = '', c = ''] = ids
    for (const wrong of [[a, b], [a, b, b], [a, b, c, c], [a, b, 'CXc85b4rqinB7s5J52TRYb'], []]) {
      expect((await reorder(wrong)).status).toBe(422)
    }
    expect(await order(site, session)).toEqual(ids)
    const reply = await reorder([c, a, b])
    expect(reply.status).toBe(200)
    expect(reply.body.map(({ id, sort_order }: { id: string; sort_order: number }) => [id, sort_order])).toEqual([
      [c, 0],
      [a, 1],
      [b, 2],
    ])
    expect(await order(site, session)).toEqual([c, a, b])
  })

  it('are classified, keep or merge their metadata, and are deleted while the session is ACTIVE', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const capture = (await site.submit(session, 'x')).body.id as string
    const photo = await addPhoto(site, session, { metadata: { a: '1', b: '2' }, capture_short_id: capture })
    const path = `${scanner}/sessions/${session}/photos/${photo}`
    expect((await site.call('PATCH', path, {})).status).toBe(422)
    expect((await site.call('PATCH', path, { photo_type: 'front', metadata: { a: '' } })).body).toMatchObject({
      photo_type: 'front',
      metadata: { b: '2' },
    })
    await site.settled(capture)
    expect((await site.call('DELETE', `${scanner}/captures/${capture}`)).status).toBe(204)
    expect((await site.call('GET', `${scanner}/sessions/${session}/photos`)).body[0]).toMatchObject({
      id: photo,
      capture_short_id: null,
    })
    const other = await addPhoto(site, session)
    expect((await site.call('DELETE', path)).status).toBe(204)
    expect(await order(site, session)).toEqual([other])
    const { upload_url, s3_key } = await presign(site, session)
    await put(upload_url)
    await site.call('POST', `${scanner}/sessions/${session}/end`)
    const late = await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key })
    expect([late.status, late.body.detail]).toEqual([409, expect.stringContaining('COMPLETED')])
    const reorder = { photo_short_ids: [other] }
    expect((await site.call('POST', `${scanner}/sessions/${session}/photos/reorder`, reorder)).status).toBe(409)
    expect((await site.call('DELETE', path.replace(photo, other))).status).toBe(409)
    expect((await site.call('PATCH', path.replace(photo, other), { photo_type: 'back' })).status).toBe(409)
    expect((await site.call('GET', `${scanner}/sessions/${session}`)).body.product_photos).toHaveLength(1)
  })
})
