import { describe, expect, it } from 'vitest'
import { addCapture, openTestSession, openTestStore } from '../parts.ts'

const remote = {
  remoteId: 'R1',
  state: 'PENDING',
  errorMessage: '',
  productId: null,
  productName: null,
  gtin: null,
} as const

describe('captures', () => {
  it.each([
    ['leading zeros', '00012'],
    ['a number in scientific notation', '1e5'],
    ['NUL', 'a\u0000b'],
    ['a group separator', '0104006381333931\u001D10LOT'],
    ['every control character', Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('')],
    ['an emoji', '📦 kg²'],
    ['quotes', `'"; DROP TABLE captures; --`],
    ['blanks at both ends', '  x '],
  ])('give a raw value with %s back as it was', (_, raw) => {
    const store = openTestStore()
    const id = addCapture(store, openTestSession(store).id, { raw })
    expect(store.captures.get(id)?.raw).toBe(raw)
    expect([...store.captures.each(null)].map((capture) => capture.raw)).toEqual([raw])
  })

  it('are numbered without gaps over all sessions, in order', () => {
    const store = openTestStore()
    for (const label of ['a', 'b']) {
      const session = openTestSession(store, { label })
      for (let n = 0; n < 700; n += 1) addCapture(store, session.id)
      store.sessions.end(session.id)
    }
    expect([...store.captures.each(null)].map((capture) => capture.sequence)).toEqual(
      Array.from({ length: 1_400 }, (_, index) => index + 1),
    )
  })

  it('are found by a search that takes % and _ at their word', () => {
    const store = openTestStore()
    const session = openTestSession(store)
    for (const raw of ['100%', '1000', 'A_B', 'AxB']) addCapture(store, session.id, { raw })
    const search = (text: string): string[] =>
      store.captures
        .list({ sessionId: session.id, filter: 'all', search: text, offset: 0, limit: 10 })
        .captures.map((capture) => capture.raw)
    expect(search('100%')).toEqual(['100%'])
    expect(search('a_b')).toEqual(['A_B'])
    expect(search('\\')).toEqual([])
    expect(search('')).toEqual(['AxB', 'A_B', '1000', '100%'])
  })

  it('are listed by what is the matter with them', () => {
    const store = openTestStore()
    const session = openTestSession(store)
    const [found, missing, failed, waiting, undone] = ['F', 'M', 'X', 'W', 'U'].map((raw) =>
      addCapture(store, session.id, { raw }),
    ) as [string, string, string, string, string]
    addCapture(store, session.id, { raw: 'D', disposition: 'ignored' })
    store.transaction(() => {
      for (const [id, state] of [
        [found, 'COMPLETED'],
        [missing, 'NOT_FOUND'],
        [failed, 'FAILED'],
      ] as const)
        store.captures.accept(id, { ...remote, remoteId: `R-${id}`, state })
    })
    store.captures.undo(undone)
    const list = (filter: Parameters<typeof store.captures.list>[0]['filter']): string[] =>
      store.captures
        .list({ sessionId: session.id, filter, search: '', offset: 0, limit: 10 })
        .captures.map((capture) => capture.raw)
    expect(list('found')).toEqual(['F'])
    expect(list('not_found')).toEqual(['M'])
    expect(list('problem')).toEqual(['X'])
    expect(list('waiting')).toEqual(['W'])
    expect(list('not_counted')).toEqual(['D', 'U'])
    expect(store.captures.get(waiting)?.sync).toBe('waiting')
    expect(
      store.captures.list({ sessionId: session.id, filter: 'all', search: '', offset: 4, limit: 1 }),
    ).toMatchObject({
      total: 6,
      captures: [{ raw: 'M' }],
    })
  })

  it('show a product as soon as this station knows its GTIN', () => {
    const store = openTestStore()
    const id = addCapture(store, openTestSession(store).id, { gtin: '04006381333931' })
    expect(store.captures.get(id)?.product).toBeNull()
    store.captures.rememberProduct({ id: 'P', gtin: '04006381333931', name: 'Pen', brand: 'B', netContent: '1' })
    expect(store.captures.get(id)?.product).toMatchObject({ name: 'Pen', brand: 'B' })
  })

  it('that are settled again do not count as changed', () => {
    const store = openTestStore()
    const id = addCapture(store, openTestSession(store).id)
    store.transaction(() => store.captures.accept(id, remote))
    expect(store.captures.follow(id, remote)).toBe(false)
    expect(store.captures.follow(id, { ...remote, state: 'COMPLETED' })).toBe(true)
  })
})
