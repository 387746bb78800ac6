import { createHmac } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ListKey } from '#contract/gate/site.ts'
import { deriveKeys, hashValue, readPage, writePage } from '#pass-list/index.ts'
import { openPassList, type PassList } from '#station/gate/pass-list.ts'
import { createKeptLog, errorOf, temporaryFolder, valueOf } from '../parts.ts'
import { createVenue, pass } from './venue.ts'

function open(key: ListKey | null, folder = temporaryFolder()): PassList & { readonly folder: string } {
  const list = openPassList({ path: join(folder, 'passes.sqlite'), key, log: createKeptLog() })
  onTestFinished(() => list.close())
  return Object.assign(Object.create(list) as PassList, { folder })
}

describe('the list of passes on a station', () => {
  it('finds a pass by the exact value and no other', () => {
    const venue = createVenue()
    const list = open(venue.key)
    valueOf(list.take(venue.page(0, [{ value: ' 007\u001d ', pass: pass('seven', { entries: { kind: 'daily' } }) }])))
    expect(list.find(' 007\u001d ')?.pass).toEqual(pass('seven', { entries: { kind: 'daily' } }))
    for (const value of ['007', ' 007\u001d', '007\u001d ', '7', '']) expect(list.find(value)).toBeNull()
    expect(list.state).toMatchObject({ list: 'list-1', at: 1, values: 1, left: 0, asOf: '2026-11-21T09:00:00.000Z' })
  })

  it('takes changes: new use, another pass, and values that no pass has any more', () => {
    const venue = createVenue()
    const list = open(venue.key)
    const use = {
      entries: 1,
      lastEntry: { at: '2026-11-21T10:00:00.000Z', gate: 'north', input: 'nfc' },
      lastExit: null,
      isInside: true,
    }
    valueOf(
      list.take(
        venue.page(0, [
          { value: 'aaa', pass: pass('a') },
          { value: 'bbb', pass: pass('b') },
        ]),
      ),
    )
    valueOf(
      list.take(
        venue.page(2, [
          { value: 'aaa', pass: pass('a'), use },
          { value: 'bbb', pass: null },
        ]),
      ),
    )
    expect(list.find('aaa')).toEqual({ pass: pass('a'), use })
    expect(list.find('bbb')).toBeNull()
  })

  it('goes on after a restart where it was, and is as old as its last whole state', () => {
    const venue = createVenue()
    const first = open(venue.key)
    valueOf(first.take(venue.page(0, [{ value: 'aaa', pass: pass('a') }], { left: 1 })))
    expect(first.state).toMatchObject({ at: 1, left: 1, asOf: null })
    first.close()
    const again = open(venue.key, first.folder)
    expect(again.state).toMatchObject({ at: 1, left: 1, asOf: null })
    valueOf(again.take(venue.page(1, [{ value: 'bbb', pass: pass('b') }])))
    expect(again.state).toMatchObject({ at: 2, left: 0, asOf: '2026-11-21T09:00:00.000Z' })
    expect([again.find('aaa')?.pass.passId, again.find('bbb')?.pass.passId]).toEqual(['a', 'b'])
    // While later changes come in pieces, what is known is as old as before.
    valueOf(again.take(venue.page(2, [{ value: 'ccc', pass: null }], { left: 7, asOf: '2026-11-21T11:00:00.000Z' })))
    expect(again.state).toMatchObject({ left: 7, asOf: '2026-11-21T09:00:00.000Z' })
  })

  it('holds nothing that can be read', () => {
    const venue = createVenue()
    const list = open(venue.key)
    const value = 'READABLE-VALUE-0001'
    valueOf(list.take(venue.page(0, [{ value, pass: pass('READABLE-ID', { passType: 'READABLE-TYPE' }) }])))
    list.close()
    const bytes = readdirSync(list.folder).map((name) => readFileSync(join(list.folder, name)))
    expect(bytes.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(0)
    for (const part of ['READABLE', venue.key.key]) expect(bytes.some((one) => one.includes(part))).toBe(false)
    const [again, other] = [open(venue.key, list.folder), createVenue()]
    expect(again.find(value)?.pass.passId).toBe('READABLE-ID')
    again.close()
    expect(open({ ...other.key, list: 'list-1' }, list.folder).find(value)).toBeNull()
  })

  it.each([
    ['signed by another site', () => createVenue().page(0, [{ value: 'aaa', pass: pass('a') }])],
    ['of another list', (own: ReturnType<typeof createVenue>) => own.page(0, [], { list: 'other' })],
    ['that does not follow', (own: ReturnType<typeof createVenue>) => own.page(7, [{ value: 'aaa', pass: pass('a') }])],
    [
      'whose body was changed',
      (own: ReturnType<typeof createVenue>) => {
        const page = own.page(0, [{ value: 'aaa', pass: pass('a') }])
        page.body[40] = (page.body[40] ?? 0) ^ 1
        return page
      },
    ],
    [
      'whose end is missing',
      (own: ReturnType<typeof createVenue>) => {
        const page = own.page(0, [{ value: 'aaa', pass: pass('a') }])
        return { ...page, body: page.body.subarray(0, -1) }
      },
    ],
    ['without a signature', (own: ReturnType<typeof createVenue>) => ({ ...own.page(0, []), signature: '' })],
  ])('refuses a page %s', (_name, make) => {
    const venue = createVenue()
    const list = open(venue.key)
    expect(errorOf(list.take(make(venue))).code).toBe('invalid_input')
    expect(list.state).toBeNull()
  })

  it('refuses a page a second time, so that an old state cannot come back', () => {
    const venue = createVenue()
    const list = open(venue.key)
    const page = venue.page(0, [{ value: 'aaa', pass: pass('a') }])
    valueOf(list.take(page))
    expect(errorOf(list.take(page)).code).toBe('invalid_input')
  })

  it('is wiped, and gone without its key', () => {
    const venue = createVenue()
    const list = open(venue.key)
    valueOf(list.take(venue.page(0, [{ value: 'aaa', pass: pass('a') }])))
    list.wipe()
    expect(list.find('aaa')).toBeNull()
    expect(readdirSync(list.folder)).toEqual([])
    valueOf(list.take(venue.page(0, [{ value: 'aaa', pass: pass('a') }])))
    expect(list.find('aaa')?.pass.passId).toBe('a')
    list.useKey(null)
    expect(list.find('aaa')).toBeNull()
    expect(readdirSync(list.folder)).toEqual([])
  })

  it('begins anew for another list', () => {
    const [one, other] = [createVenue('one'), createVenue('other')]
    const list = open(one.key)
    valueOf(list.take(one.page(0, [{ value: 'aaa', pass: pass('a') }])))
    list.useKey(other.key)
    expect(list.state).toBeNull()
    valueOf(list.take(other.page(0, [{ value: 'bbb', pass: pass('b') }])))
    expect([list.find('aaa'), list.find('bbb')?.pass.passId]).toEqual([null, 'b'])
  })

  it('is loaded anew when its file is damaged', () => {
    const venue = createVenue()
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'passes.sqlite'), 'this is no database, whatever its name says, and never was one')
    const list = open(venue.key, folder)
    expect(list.state).toBeNull()
    valueOf(list.take(venue.page(0, [{ value: 'aaa', pass: pass('a') }])))
    expect(list.find('aaa')?.pass.passId).toBe('a')
  })
})

describe('the place of a value', () => {
  it('is its HMAC under a key that is derived for that alone', () => {
    const { key } = createVenue()
    const keys = deriveKeys(key)
    expect(keys.lookup).not.toEqual(keys.seal)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const expected = createHmac('sha256', keys.lookup).update(value, 'utf8').digest().subarray(0, 16)
        expect(Buffer.compare(hashValue(keys, value), expected)).toBe(0)
      }),
    )
  })
})

describe('the body of a page', () => {
  const place = fc.uint8Array({ minLength: 16, maxLength: 16 })
  const sealed = fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 }))

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ place, sealed })), (values) => {
        const plain = readPage(writePage(values))?.map((one) => ({
          place: Uint8Array.from(one.place),
          sealed: one.sealed && Uint8Array.from(one.sealed),
        }))
        expect(plain).toEqual(values)
      }),
    )
  })

  it('is never read beyond its end, whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (body) => {
        const values = readPage(body)
        if (values === null) return
        const length = values.reduce((sum, one) => sum + one.place.length + 2 + (one.sealed?.length ?? 0), 0)
        expect(length).toBe(body.length)
      }),
    )
  })
})
