import { describe, expect, it } from 'vitest'
import { newId } from '#backend/ids.ts'
import { newDataKey, recoveryKeyOf } from '#sealing/index.ts'
import { databaseOf, marker, products, soundHealth, startSite, type Site } from './fixture.ts'

const user = { email: 'manager@example.org', password: 'correct horse' }

/** A browser as far as forms go: it keeps cookies and says where it came from. */
function browser(site: Site) {
  const jar = new Map<string, string>()
  async function go(method: string, path: string, form?: Record<string, string>, origin = site.url) {
    const response = await fetch(`${site.url}${path}`, {
      method,
      redirect: 'manual',
      headers: { Cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '), Origin: origin },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^(\w+)=([^;]*)/.exec(cookie) ?? []
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  return { jar, go, signIn: () => go('POST', '/admin/login', user) }
}

describe('the admin pages', () => {
  it('let managers in by a form, forbid every script and frame, and show what there is', async () => {
    const site = await startSite({ user })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession({ device_context: { station: '<b>Dock 3</b>' }, user_agent: 'Capstan/1' })
    await site.settled((await site.submit(session, '<script>alert(1)</script>')).body.id)
    const { go, signIn } = browser(site)
    for (const path of ['/admin/sessions', '/admin/keys']) expect((await go('GET', path)).status).toBe(401)
    expect((await go('POST', '/admin/login', { ...user, password: 'wrong' })).status).toBe(401)
    expect((await go('POST', '/admin/login', user, 'https://evil.test')).status).toBe(403)
    expect((await signIn()).status).toBe(303)
    for (const [page, words] of [
      ['sessions', session],
      ['captures', '&lt;script&gt;alert(1)&lt;/script&gt;'],
      ['jobs', 'Webhooks to deliver'],
      ['dead-letters', 'No dead letters'],
      ['stations', '&lt;b&gt;Dock 3&lt;/b&gt;'],
      ['settings', 'Nothing has been set yet.'],
      ['keys', 'host'],
    ] as const) {
      const { status, text, headers } = await go('GET', `/admin/${page}`)
      expect(status, page).toBe(200)
      expect(text, page).toContain(words)
      expect(text).not.toContain('<script')
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'self'; form-action 'self'/,
      )
      expect(headers.get('cache-control')).toBe('no-store')
    }
    expect((await go('GET', '/admin/nothing')).status).toBe(404)
    expect((await go('GET', '/admin/captures?page=x')).status).toBe(200)
  })

  it('write only with the token of the cookie and from the own origin', async () => {
    const site = await startSite({ user })
    const { go, signIn, jar } = browser(site)
    await signIn()
    const csrf = jar.get('csrftoken') ?? ''
    const webhook = (
      await site.call('POST', '/integrations/api/v1/webhooks/endpoints', {
        url: 'https://erp.test/',
        event_types: ['scanner'],
        is_active: false,
      })
    ).body.id as string
    const { db, write } = await databaseOf(site.dataDir)
    const delivery = newId()
    await write((transaction) =>
      transaction
        .insertInto('webhook_deliveries')
        .values({
          id: delivery,
          endpoint_id: webhook,
          event_id: 'evt',
          event_type: 'scanner.session.completed',
          body: '{}',
          status: 'DEAD_LETTER',
          response_status: null,
          created_at: new Date().toISOString(),
          delivered_at: null,
        })
        .execute(),
    )
    const resend = `/admin/dead-letters/${delivery}/resend`
    expect((await go('GET', '/admin/dead-letters')).text).toContain(resend)
    expect((await go('POST', resend, {})).status).toBe(403)
    expect((await go('POST', resend, { csrf: 'guess' })).status).toBe(403)
    expect((await go('POST', resend, { csrf }, 'https://evil.test')).status).toBe(403)
    expect((await go('POST', resend, { csrf })).status).toBe(303)
    const { status } = await db.selectFrom('webhook_deliveries').select('status').executeTakeFirstOrThrow()
    expect(status).not.toBe('DEAD_LETTER')
    const session = await site.openSession()
    const capture = (await site.submit(session, 'x')).body.id as string
    const failed = {
      id: newId(),
      session_id: session,
      capture_id: capture,
      photo_id: null,
      is_open: 0,
      error: 'blurred',
    }
    await write((transaction) =>
      transaction
        .insertInto('extractions')
        .values({ ...failed, created_at: '2026', done_at: '2026' })
        .execute(),
    )
    const read = `/admin/photos/${failed.id}/read`
    expect((await go('GET', '/admin/jobs')).text).toContain(read)
    expect((await go('POST', read, { csrf: 'guess' })).status).toBe(403)
    // Twice, as by an impatient person: once is enough.
    for (let time = 0; time < 2; time += 1) expect((await go('POST', read, { csrf })).status).toBe(303)
    expect(await db.selectFrom('extractions').select('capture_id').execute()).toEqual([
      { capture_id: capture },
      { capture_id: capture },
    ])
    expect((await go('GET', '/admin/jobs')).text).not.toContain(read)
    const key = await db.selectFrom('api_keys').select('id').executeTakeFirstOrThrow()
    expect((await go('POST', `/admin/keys/${key.id}/revoke`, { csrf })).status).toBe(303)
    expect((await site.call('GET', '/scanner/api/v1/sessions')).status).toBe(401)
    expect((await go('POST', '/admin/logout', { csrf })).status).toBe(303)
    expect((await go('GET', '/admin/sessions')).status).toBe(401)
  })

  it('set what holds for stations, with every change and who made it, and revoke one', async () => {
    const site = await startSite({ user })
    const { go, signIn, jar } = browser(site)
    await signIn()
    const csrf = jar.get('csrftoken') ?? ''
    const save = (settings: string, group = '') => go('POST', '/admin/settings', { csrf, group, settings })
    expect((await go('POST', '/admin/settings', { group: '', settings: 'theme = dark' })).status).toBe(403)
    const wrong = await save('sound.volume = 7\nnonsense = 1')
    expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('nonsense: is no setting')])
    expect(wrong.text).toContain('sound.volume = 7\nnonsense = 1')
    expect((await save('theme = dark\r\nsound.volume = 0.5')).status).toBe(303)
    expect((await save('sound.volume = 0.9', 'north')).headers.get('location')).toBe('/admin/settings?group=north')
    expect((await save('theme = light')).status).toBe(303)
    const { text } = await go('GET', '/admin/settings?group=north')
    expect(text).toContain('sound.volume = 0.9')
    expect(text).toMatch(/<code>theme<\/code>[^]*?<code>&quot;light&quot;<\/code>[^]*?all stations/)
    expect(text.split(user.email).length - 1).toBeGreaterThanOrEqual(3)
    // What a line said and says no more is not set any more.
    expect((await go('GET', '/admin/settings')).text).toContain(
      'spellcheck="false">theme = &quot;light&quot;</textarea',
    )

    const { db } = await databaseOf(site.dataDir)
    const key = await db.selectFrom('api_keys').selectAll().executeTakeFirstOrThrow()
    const at = new Date().toISOString()
    await db
      .insertInto('stations')
      .values({
        organization_id: key.organization_id,
        id: 'station-1',
        key_id: key.id,
        label: '<i>Dock</i>',
        group_name: 'north',
        enrolled_at: at,
        seen_at: at,
      })
      .execute()
    const listed = await go('GET', '/admin/stations')
    expect(listed.text).toContain('&lt;i&gt;Dock&lt;/i&gt;')
    expect((await go('POST', '/admin/stations/station-1/support', {})).status).toBe(403)
    expect(listed.text).not.toContain('It comes when')
    expect((await go('POST', '/admin/stations/station-1/support', { csrf })).status).toBe(303)
    expect((await go('GET', '/admin/stations')).text).toMatch(
      new RegExp(`Asked by ${user.email}[^]*It comes when the station tells next`),
    )
    const saveBundle = (form = {}) => go('POST', '/admin/stations/station-1/support/fetch', form)
    expect([(await saveBundle()).status, (await saveBundle({ csrf })).status]).toEqual([403, 303])
    const { id: request } = await db.selectFrom('support_requests').select('id').executeTakeFirstOrThrow()
    const zip = Buffer.from('PK\u0003\u0004 and more').toString('base64')
    const sent = await site.call('POST', '/stations/api/v1/support', { request, files: [], zip })
    expect(sent.status).toBe(204)
    expect((await go('GET', '/admin/stations')).text).toContain('Save the bundle')
    const saved = await saveBundle({ csrf })
    expect([saved.text, saved.headers.get('content-type')]).toEqual(['PK\u0003\u0004 and more', 'application/zip'])
    expect((await go('GET', '/admin/stations')).text).toContain(`Fetched by ${user.email}`)

    // What opens its data is on a page of its own, after a press that is on record.
    expect((await go('GET', '/admin/stations')).text).toContain('Recovery key: none')
    const recoveryKey = recoveryKeyOf(newDataKey())
    expect((await site.call('POST', '/stations/api/v1/recovery-key', { recoveryKey })).status).toBe(204)
    const showKey = (form = {}) => go('POST', '/admin/stations/station-1/recovery-key', form)
    expect((await showKey()).status).toBe(403)
    const before = (await go('GET', '/admin/stations')).text
    expect([before.includes('Recovery key: kept since'), before.includes('Shown to')]).toEqual([true, false])
    expect((await showKey({ csrf })).text).toContain(recoveryKey)
    const after = (await go('GET', '/admin/stations')).text
    expect([after.includes(`Shown to ${user.email}`), after.includes(recoveryKey)]).toEqual([true, false])
    expect((await go('POST', '/admin/stations/station-2/recovery-key', { csrf })).status).toBe(303)

    // An update that was taken back there, and one that was revoked.
    const update = { state: 'taken_back', version: '9.9.9', waitsFor: null, failed: ['9.9.9'] } as const
    expect((await site.call('POST', '/stations/api/v1/check-in', { ...soundHealth, update })).status).toBe(200)
    expect((await go('GET', '/admin/stations')).text).toContain('9.9.9 did not work and was taken back')
    expect((await go('POST', '/admin/stations/station-1/revoke', {})).status).toBe(403)
    expect((await go('POST', '/admin/stations/station-1/revoke', { csrf })).status).toBe(303)
    expect((await go('GET', '/admin/stations')).text).toContain('>revoked<')
    expect((await site.call('GET', '/scanner/api/v1/sessions')).status).toBe(401)
  })
})
