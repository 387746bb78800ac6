import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyFor, newDataKey } from '#sealing/index.ts'
import { openDatabase, type SqlValue } from '#station/store/database.ts'
import { checkLedgerOf, checkStore, openStore, openStoreForReading, type Store } from '#station/store/store.ts'
import {
  addCapture,
  createClock,
  createIds,
  createKeptLog,
  openTestSession,
  openTestStore,
  temporaryFolder,
  valueOf,
} from '../parts.ts'

const secret = '4006381333931'
/** What a scanner may send, and what a binding might read in another way than it writes it. */
const awkward = ['\0', 'a\0b', '\0\0', '\u{10fffd}', '\u{10fffd}0', 'x\u{10fffd}1\0', '']
const file = (dataDir: string): string => join(dataDir, 'station.sqlite')
const ports = () => ({ clock: createClock(), ids: createIds(), log: createKeptLog() })
const rawsOf = (store: Store): string[] => [...store.captures.each(null)].map(({ raw }) => raw)

function fill(store: Store, raws: readonly string[]): void {
  const session = openTestSession(store, { label: 'the secret aisle' })
  store.transaction(() => {
    for (const raw of raws) addCapture(store, session.id, { raw })
  })
}

/** Every file of a folder in which one of the texts lies. */
function filesWith(dataDir: string, ...texts: readonly string[]): string[] {
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => texts.some((text) => readFileSync(path).includes(text)))
}

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom('\0', '\u{10fffd}', '0', '1', 'x')).map((parts) => parts.join('')),
)
const values: fc.Arbitrary<SqlValue> = fc.oneof(
  texts,
  fc.uint8Array(),
  fc.constant(null),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)

describe('the engine of encrypted stores', () => {
  it('answers the same as that of stores in the clear', () => {
    const folder = temporaryFolder()
    const engines = [null, keyFor('store', newDataKey())].map((key, index) => {
      const database = openDatabase(join(folder, `${index}.sqlite`), { key })
      database.exec('CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, value ANY) STRICT')
      return database
    })
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 8 }), (row) => {
        const answers = engines.map((database) => {
          const added = row.map((value) => database.run('INSERT INTO things (value) VALUES (?)', value))
          const found = row.map((value) =>
            database.get('SELECT count(*) > 0 AS "is" FROM things WHERE value IS ?', value),
          )
          const all = database.all('SELECT value FROM things ORDER BY id DESC LIMIT ?', row.length)
          const one = database.get('SELECT value FROM things ORDER BY id DESC LIMIT 1')
          const [first = null, second = null] = row
          const numbered = { ...database.get('SELECT ?2 AS b, ?1 AS a, ?1 AS c', first, second) }
          const changed = database.all(
            'UPDATE things SET value = ?1 WHERE id = 1 OR value IS ?1 RETURNING id, value',
            first,
          )
          const again = database.run('UPDATE things SET value = ?2 WHERE id = ?1', 1, second)
          const some = { numbered, changed: changed.map((each) => ({ ...each })), again }
          return { added, found, all: all.map((each) => ({ ...each })), one: { ...one }, ...some }
        })
        expect(answers[1]).toEqual(answers[0])
      }),
    )
    for (const database of engines) database.close()
  })

  it('goes on after a statement that has failed, as after a disk that was full', () => {
    const database = openDatabase(join(temporaryFolder(), 'a.sqlite'), { key: keyFor('store', newDataKey()) })
    database.exec('CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT')
    const add = (id: number, text: string | null) =>
      database.run('INSERT INTO things (id, text) VALUES (?, ?)', id, text)
    add(1, 'one')
    expect(() => add(1, 'again')).toThrow(/UNIQUE/)
    expect(() => database.transaction(() => add(2, null))).toThrow(/NOT NULL/)
    expect(add(2, 'two')).toEqual({ changes: 1, lastId: 2 })
    expect(() => add(3, true as unknown as string)).toThrow(TypeError)
    expect(database.all('SELECT text FROM things ORDER BY id').map((row) => row['text'])).toEqual(['one', 'two'])
    database.close()
  })
})

describe('a store with a data key', () => {
  it('lies there unreadable, its log too, and opens with that key only', () => {
    const [dataDir, dataKey] = [temporaryFolder(), newDataKey()]
    const store = openTestStore({ dataDir, dataKey })
    fill(store, [secret, ...awkward])
    expect(store.isEncrypted).toBe(true)
    expect(statSync(`${file(dataDir)}-wal`).size).toBeGreaterThan(0)
    expect(filesWith(dataDir, secret, 'the secret aisle', 'CREATE TABLE')).toEqual([])
    const beside = valueOf(openStoreForReading(dataDir, { ...ports(), dataKey }))
    expect(rawsOf(beside)).toEqual([secret, ...awkward])
    beside.close()
    store.close()
    expect(filesWith(dataDir, secret, 'the secret aisle', 'CREATE TABLE')).toEqual([])

    for (const wrong of [null, newDataKey()]) {
      const refused = { ok: false, error: { code: 'conflict', message: expect.stringMatching(/encrypted/) as string } }
      expect(openStore({ dataDir, ...ports(), dataKey: wrong })).toMatchObject(refused)
      expect(openStoreForReading(dataDir, { ...ports(), dataKey: wrong })).toMatchObject(refused)
      expect(checkLedgerOf(dataDir, null, wrong)).toMatchObject(refused)
      expect(checkStore(dataDir, wrong)).toHaveLength(1)
    }
    expect(existsSync(join(dataDir, 'set-aside'))).toBe(false)
    expect(checkLedgerOf(dataDir, null, dataKey)).toMatchObject({ ok: true, value: { problem: null } })
    expect(rawsOf(openTestStore({ dataDir, dataKey }))).toEqual([secret, ...awkward])
  })

  it('takes one that lies there in the clear, with every row as it was, and leaves nothing of it readable', () => {
    const [dataDir, dataKey] = [temporaryFolder(), newDataKey()]
    const plain = openTestStore({ dataDir })
    fill(plain, [secret, ...awkward])
    const before = [...plain.captures.each(null)]
    const counts = plain.counts()
    plain.close()
    expect(filesWith(dataDir, secret)).toEqual([file(dataDir)])
    // What a start that was killed while it encrypted has left.
    writeFileSync(`${file(dataDir)}.sealing`, 'half a copy')

    const store = openTestStore({ dataDir, dataKey })
    expect(store.recovered).toBeNull()
    expect([...store.captures.each(null)]).toEqual(before)
    expect(store.counts()).toEqual({
      ...counts,
      ledger: Number(counts['ledger']) + 1,
      ledgerEnd: Number(counts['ledgerEnd']) + 1,
    })
    store.close()
    expect(filesWith(dataDir, secret, 'the secret aisle', 'half a copy')).toEqual([])
    expect(checkLedgerOf(dataDir, null, dataKey)).toMatchObject({ ok: true, value: { problem: null } })
  })

  it('that cannot be encrypted now is used in the clear and says so, and is encrypted at the next start', () => {
    const [dataDir, dataKey] = [temporaryFolder(), newDataKey()]
    const plain = openTestStore({ dataDir })
    fill(plain, [secret])
    plain.close()
    // Stands in the way as a full disk would.
    mkdirSync(join(`${file(dataDir)}.sealing`, 'full'), { recursive: true })
    const log = createKeptLog()
    const store = openTestStore({ dataDir, dataKey, log })
    expect(store.isEncrypted).toBe(false)
    expect(rawsOf(store)).toEqual([secret])
    expect(log.lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/stays in the clear/))
    store.close()
  })

  it.each(['ruined pages', 'an end that was cut off'])(
    'with %s is set aside, and what can be read lives on',
    (damage) => {
      const [dataDir, dataKey] = [temporaryFolder(), newDataKey()]
      const whole = openTestStore({ dataDir, dataKey })
      fill(
        whole,
        Array.from({ length: 1_500 }, (_, index) => `CODE-${String(index).padStart(6, '0')}`),
      )
      const leaf = pageInTheMiddle(dataDir, dataKey)
      whole.close()
      const content = readFileSync(file(dataDir))
      if (damage === 'ruined pages') content.fill(0xa5, leaf.from, leaf.from + leaf.bytes)
      writeFileSync(file(dataDir), content)
      if (damage !== 'ruined pages') truncateSync(file(dataDir), Math.floor(content.length * 0.6))
      expect(checkStore(dataDir, dataKey)).not.toEqual([])
      const damaged = readFileSync(file(dataDir))

      const store = openTestStore({ dataDir, dataKey })
      const saved = rawsOf(store)
      expect(store.recovered?.captures).toBe(saved.length)
      expect(saved.length).toBeGreaterThan(500)
      expect(saved.length).toBeLessThan(1_500)
      expect(saved[0]).toBe('CODE-000000')
      expect(readFileSync(store.recovered?.setAsideAs ?? '')).toEqual(damaged)
      expect(checkLedgerOf(dataDir, null, dataKey)).toMatchObject({ ok: true, value: { problem: null } })
      store.close()
      expect(filesWith(dataDir, 'CODE-0')).toEqual([])
      expect(readdirSync(dataDir).filter((name) => /reading|rebuilding/.test(name))).toEqual([])
    },
  )

  it('that was left sound is checked beside its use', async () => {
    const [dataDir, dataKey] = [temporaryFolder(), newDataKey()]
    const first = openTestStore({ dataDir, dataKey })
    fill(first, [secret])
    first.close()
    const store = openTestStore({ dataDir, dataKey, checkLaterFromBytes: 1 })
    expect(await store.checkBehind?.()).toEqual([])
    const leaf = pageInTheMiddle(dataDir, dataKey)
    store.close()
    // One bit that the disk has lost, in the code itself: in the clear nobody would find it.
    const content = readFileSync(file(dataDir))
    content.writeUInt8(content.readUInt8(leaf.from + leaf.bytes - 40) ^ 1, leaf.from + leaf.bytes - 40)
    writeFileSync(file(dataDir), content)
    const mark = join(dataDir, 'station.checked')
    const { mtimeMs: modifiedMs, size: bytes } = statSync(file(dataDir))
    const left = JSON.parse(readFileSync(mark, 'utf8')) as object
    writeFileSync(mark, JSON.stringify({ ...left, closed: { bytes, modifiedMs } }))
    const decayed = openTestStore({ dataDir, dataKey, checkLaterFromBytes: 1 })
    expect((await decayed.checkBehind?.())?.length).toBeGreaterThan(0)
    decayed.close()
    expect(openTestStore({ dataDir, dataKey, checkLaterFromBytes: 1 }).recovered).not.toBeNull()
  })
})

/** Where a page in the middle of the captures lies: a leaf, by what SQLite says of its own pages. */
function pageInTheMiddle(dataDir: string, dataKey: Uint8Array): { from: number; bytes: number } {
  const database = openDatabase(file(dataDir), { readOnly: true, key: keyFor('store', dataKey) })
  const leaves = database.all(
    `SELECT pageno, pgsize FROM dbstat WHERE name = 'captures' AND pagetype = 'leaf' ORDER BY path`,
  )
  database.close()
  const leaf = leaves[Math.floor(leaves.length / 2)]
  const bytes = Number(leaf?.['pgsize'])
  return { from: (Number(leaf?.['pageno']) - 1) * bytes, bytes }
}
