import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contentSecurityPolicy } from '#contract/page.ts'
import { createProtocolHandler } from '#main/protocol.ts'
import { assetsDir } from '../../contract/carriers.ts'
import { createFakeStation, createKeptLog } from '../../contract/fake-station.ts'

const { log, lines } = createKeptLog()
const station = createFakeStation()
const handler = createProtocolHandler({ assetsDir, handle: station.handle, log })
const ask = (url: string, init?: RequestInit) => handler(new Request(url, init))

describe('app://kiosk/', () => {
  it('is the page, with a fresh nonce and the policy that names it', async () => {
    const [one, two] = [await ask('app://kiosk/'), await ask('app://kiosk/index.html')]
    const html = await one.text()
    const nonce = /nonce="([^"]+)"/.exec(html)?.[1] ?? ''
    expect(one.headers.get('content-security-policy')).toBe(contentSecurityPolicy(nonce))
    expect(await two.text()).not.toContain(nonce)
  })

  it.each([
    ['a path encoded out of the folder', 'app://kiosk/..%2fcarriers.ts', 'GET', 400],
    ['an absolute path', 'app://kiosk//etc/passwd', 'GET', 400],
    ['a NUL', 'app://kiosk/a%00.js', 'GET', 400],
    ['a backslash', 'app://kiosk/..%5ccarriers.ts', 'GET', 400],
    ['a file of another kind', 'app://kiosk/carriers.ts', 'GET', 404],
    ['a folder', 'app://kiosk/assets', 'GET', 404],
    ['another host', 'app://kiosk.evil/', 'GET', 404],
    ['another method', 'app://kiosk/', 'POST', 405],
    ['a change of the service screen', 'app://kiosk/service', 'DELETE', 405],
  ])('refuses %s', async (_what, url, method, status) => {
    expect((await ask(url, { method })).status).toBe(status)
  })

  it('says when the page has got a script, and not before', async () => {
    let scripts = 0
    const told = createProtocolHandler({ assetsDir, handle: station.handle, log, onScript: () => (scripts += 1) })
    await told(new Request('app://kiosk/'))
    expect(scripts).toBe(0)
    await told(new Request('app://kiosk/no-such.js'))
    expect(scripts).toBe(0)
    const script = readdirSync(join(assetsDir, 'assets')).find((name) => name.endsWith('.js'))
    await told(new Request(`app://kiosk/assets/${script}`))
    expect(scripts).toBe(1)
  })

  it("is the station's answer under /media and /exports", async () => {
    const answer = await ask('app://kiosk/media/abc')
    expect(await answer.text()).toBe('bytes of /media/abc')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    const put = await ask('app://kiosk/media/photos', { method: 'PUT', body: 'x'.repeat(1_000) })
    expect(await put.json()).toMatchObject({ bytes: 1_000 })
  })

  it('has a service screen without any script', async () => {
    const answer = await ask('app://kiosk/service')
    const html = await answer.text()
    expect(answer.status).toBe(200)
    expect(html).not.toContain('<script')
    expect(html).toContain('is saved')
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it('answers a fault without its words', async () => {
    const broken = createProtocolHandler({ assetsDir, handle: () => Promise.reject(new Error('secret detail')), log })
    const answer = await broken(new Request('app://kiosk/media/abc'))
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('secret')
    expect(lines.at(-1)?.level).toBe('error')
  })
})
