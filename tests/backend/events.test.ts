import { describe, expect, it } from 'vitest'
import { engine, marker, products, scanner, startSite, temporaryFolder, type Site } from './fixture.ts'

/** Opens the stream of events and gathers what comes. */
async function listen(site: Site, query = '', key = site.apiKey) {
  const stop = new AbortController()
  const response = await fetch(`${site.url}${scanner}/events${query}`, {
    headers: { 'X-API-Key': key },
    signal: stop.signal,
  })
  let received = ''
  const reading = (async () => {
    for await (const chunk of response.body ?? []) received += new TextDecoder().decode(chunk)
  })().then(
    () => 'ended',
    () => 'broken',
  )
  return {
    response,
    reading,
    stop: () => stop.abort(),
    events: () =>
      [...received.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, type, data]) => ({
        type,
        ...(JSON.parse(data ?? '{}') as object),
      })),
  }
}

describe('the stream of events', () => {
  it('tells each capture that reaches its end, of one session where that was asked for', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const [one, two] = [await site.openSession(), await site.openSession()]
    const all = await listen(site)
    const only = await listen(site, `?session_id=${two}`)
    expect(all.response.headers.get('content-type')).toBe('text/event-stream')
    expect(all.response.headers.has('ratelimit-limit')).toBe(true)
    await expect.poll(() => [...all.events(), ...only.events()].length).toBe(2)
    const a = (await site.submit(one, '4006381333931')).body.id
    const b = (await site.submit(two, 'nothing')).body.id
    await expect
      .poll(() => all.events().slice(1), { timeout: 10_000 })
      .toEqual(
        expect.arrayContaining([
          { type: 'capture', session_id: one, capture_id: a, status: 'COMPLETED' },
          { type: 'capture', session_id: two, capture_id: b, status: 'NOT_FOUND' },
        ]),
      )
    await expect
      .poll(() => only.events().slice(1))
      .toEqual([{ type: 'capture', session_id: two, capture_id: b, status: 'NOT_FOUND' }])
    all.stop()
    only.stop()
  })

  it('needs a credential and a session of its own organisation, and ends when the server stops', async () => {
    const site = await startSite()
    expect((await fetch(`${site.url}${scanner}/events`)).status).toBe(401)
    expect((await site.call('GET', `${scanner}/events?session_id=CXc85b4rqinB7s5J52TRYb`)).status).toBe(404)
    expect((await site.call('GET', `${scanner}/events?session_id=x`)).status).toBe(422)
    const stream = await listen(site)
    await expect.poll(() => stream.events().length).toBe(1)
    await site.close()
    expect(await stream.reading).toBe('ended')
  })

  it.runIf(engine === 'postgres')('tells at each process what any of them has done', async () => {
    const dataDir = await temporaryFolder()
    const [here, there] = [await startSite({ dataDir }), await startSite({ dataDir })]
    const session = await here.openSession()
    const streams = [await listen(here, `?session_id=${session}`), await listen(there, `?session_id=${session}`)]
    for (const stream of streams) await expect.poll(() => stream.events().length).toBe(1)
    const ids: string[] = []
    for (const site of [here, there, here, there]) ids.push((await site.submit(session, `text ${ids.length}`)).body.id)
    for (const stream of streams) {
      await expect
        .poll(() => stream.events().slice(1), { timeout: 10_000 })
        .toEqual(
          expect.arrayContaining(
            ids.map((id) => ({ type: 'capture', session_id: session, capture_id: id, status: 'NOT_FOUND' })),
          ),
        )
    }
    // A process that dies says nothing any more; what the other does is told by the other.
    await here.close()
    expect(await streams[0]!.reading).toBe('ended')
    const last = (await there.submit(session, 'last')).body.id
    await expect
      .poll(() => streams[1]!.events(), { timeout: 10_000 })
      .toContainEqual({ type: 'capture', session_id: session, capture_id: last, status: 'NOT_FOUND' })
  })
})
