import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jpeg, marker, photoForm, scanner, startSite, type Site } from './fixture.ts'

const path = `${scanner}/captures/upload-image`

async function storedFiles(site: Site): Promise<string[]> {
  const entries = await readdir(join(site.dataDir, 'media'), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}

describe('uploads', () => {
  it('are kept byte for byte under the hash of their content, once', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const content = jpeg(300_000)
    const hash = createHash('sha256').update(content).digest('hex')
    const first = await site.call('POST', path, photoForm({ session_short_id: id, 'metadata[side]': 'front' }, content))
    const second = await site.call('POST', path, photoForm({ session_public_id: id }, content))
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({ capture_type: 'IMAGE', raw_value: '', gtin: '', metadata: { side: 'front' } })
    expect(second.body.uploaded_image_key).toBe(first.body.uploaded_image_key)
    const kept = await readFile(join(site.dataDir, 'media', first.body.uploaded_image_key))
    expect(createHash('sha256').update(kept).digest('hex')).toBe(hash)
    expect(await storedFiles(site)).toEqual([`${hash}.jpg`])
  })

  it('with a GTIN are looked up; without one they say honestly that nothing reads photos yet', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const known = await site.call('POST', path, photoForm({ session_short_id: id, raw_value: '4006381333931' }))
    expect(await site.settled(known.body.id)).toMatchObject({ gtin: marker, status: 'NOT_FOUND', error_message: '' })
    const blank = await site.call('POST', path, photoForm({ session_short_id: id }))
    expect(await site.settled(blank.body.id)).toMatchObject({
      status: 'NOT_FOUND',
      error_message: 'The photo has no GTIN with it, and this server does not read photos.',
    })
  })

  it('may clear metadata by the shorthand, which at their creation says nothing', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const metadata = async (fields: Record<string, string>) =>
      (await site.call('POST', path, photoForm({ session_short_id: id, ...fields }))).body.metadata
    expect(await metadata({ metadata: '' })).toEqual({})
    expect(await metadata({ metadata: '', 'metadata[a]': '1', 'metadata[b]': '' })).toEqual({ a: '1' })
  })

  it('are told by their first bytes, not by their name', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const upload = (content: Uint8Array<ArrayBuffer>, name: string) =>
      site.call('POST', path, photoForm({ session_short_id: id }, content, name))
    const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0, 0])
    const webp = new TextEncoder().encode('RIFF0000WEBPVP8 ')
    expect((await upload(png, 'a.txt')).body.uploaded_image_key).toMatch(/\.png$/)
    expect((await upload(webp, 'a.jpg')).body.uploaded_image_key).toMatch(/\.webp$/)
    expect((await upload(new TextEncoder().encode('GIF89a, as if'), 'a.jpg')).status).toBe(415)
    expect((await upload(new Uint8Array([0xff, 0xd8]), 'a.jpg')).status).toBe(415)
    expect((await upload(new Uint8Array(), 'a.jpg')).status).toBe(422)
  })

  it('of exactly 10 MiB are taken, larger ones answer 413 and leave nothing behind', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const limit = 10 * 1024 * 1024
    const upload = (bytes: number) => site.call('POST', path, photoForm({ session_short_id: id }, jpeg(bytes)))
    expect((await upload(limit)).status).toBe(201)
    expect((await upload(limit + 1)).status).toBe(413)
    expect((await upload(limit + 3_000_000)).status).toBe(413)
    expect(await storedFiles(site)).toHaveLength(1)
  })

  it('refuse wrong forms field by field and leave nothing behind', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const status = async (fields: Record<string, string>) => (await site.call('POST', path, photoForm(fields))).status
    expect(await status({ session_short_id: id, capture_type: 'MANUAL' })).toBe(422)
    expect(await status({})).toBe(422)
    expect(await status({ session_short_id: 'CXc85b4rqinB7s5J52TRYb' })).toBe(404)
    expect(await status({ session_short_id: id, colour: 'red' })).toBe(422)
    expect(await status({ session_short_id: id, raw_value: 'x'.repeat(9_000) })).toBe(422)
    const contradiction = { session_short_id: id, raw_value: '4006381333931', gtin: '96385074' }
    expect((await site.call('POST', path, photoForm(contradiction))).body.errors[0].field).toBe('gtin')
    const bare = new FormData()
    bare.set('session_short_id', id)
    expect((await site.call('POST', path, bare)).body.errors).toEqual([{ field: 'image', message: 'is required' }])
    const twice = photoForm({ session_short_id: id })
    twice.append('image', new Blob([jpeg()]), 'b.jpg')
    expect((await site.call('POST', path, twice)).status).toBe(422)
    expect((await site.call('POST', path, { session_short_id: id })).status).toBe(415)
    expect(await storedFiles(site)).toEqual([])
  })

  it('that are broken answer 400', async () => {
    const site = await startSite()
    const headers = { 'Content-Type': 'multipart/form-data; boundary=x' }
    const head = '--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    for (const body of ['', 'nothing', head, `${head}\u00ff\u00d8\u00ff`, '--x\r\nContent-Dis']) {
      expect((await site.call('POST', path, body, headers)).status, JSON.stringify(body)).toBe(400)
    }
    const bare = await site.call('POST', path, 'x', { 'Content-Type': 'multipart/form-data' })
    expect(bare.status).toBe(400)
    expect(await storedFiles(site)).toEqual([])
  })

  it('that break off leave nothing behind and the server goes on', async () => {
    const site = await startSite()
    const { port } = new URL(site.url)
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${site.apiKey}\r\nContent-Length: 100000\r\n` +
            'Content-Type: multipart/form-data; boundary=x\r\n\r\n' +
            '--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n',
        )
        socket.write(jpeg(20_000), () => socket.destroy())
      })
      socket.on('close', () => resolve())
    })
    await expect.poll(() => storedFiles(site)).toEqual([])
    expect((await site.call('POST', path, photoForm({ session_short_id: await site.openSession() }))).status).toBe(201)
  })
})
