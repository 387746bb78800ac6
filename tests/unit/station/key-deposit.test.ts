import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fingerprintOf, newDataKey, recoveryKeyOf } from '#sealing/index.ts'
import { createKeyDeposit } from '#station/key-deposit.ts'
import { createSiteClient } from '#station/remote/site-client.ts'
import { openDatabase } from '#station/store/database.ts'
import { entriesOf } from '#station/store/ledger-carry.ts'
import { createKeptLog, openTestStore, temporaryFolder } from './parts.ts'

it('gives the key until the site says that it has it, once at a time, and writes down that it did and nothing of the key', async () => {
  const dataDir = temporaryFolder()
  const store = openTestStore({ dataDir })
  const key = newDataKey()
  const log = createKeptLog()
  const sent: unknown[] = []
  let answer = 503
  let site: string | null = 'AAAA-BBBB'
  const deposit = createKeyDeposit({
    key,
    site: () => site,
    store,
    log,
    client: createSiteClient({
      url: 'https://site.example',
      credential: () => Promise.resolve('cpst_1'),
      now: () => new Date(),
      fetch: (_url, { body }) => {
        sent.push(JSON.parse(String(body)))
        // Nor what a site in disorder repeats of it.
        const detail = { status: answer, detail: `cannot keep ${String(body)}`, error_code: 'internal_error' }
        return Promise.resolve(
          answer === 204 ? new Response(null, { status: 204 }) : Response.json(detail, { status: answer }),
        )
      },
    }),
  })
  const recoveryKey = recoveryKeyOf(key)
  const has = async (fingerprints: readonly string[] | undefined) => {
    deposit.siteHas(fingerprints)
    deposit.siteHas(fingerprints)
    await deposit.close()
    return sent.length
  }
  expect(await has(undefined)).toBe(0)
  expect(await has([])).toBe(1)
  answer = 404
  expect(await has(['another'])).toBe(2)
  answer = 204
  expect(await has([])).toBe(3)
  expect(await has(['another', fingerprintOf(key)])).toBe(3)
  site = null
  expect(await has([])).toBe(3)
  expect(sent).toEqual([{ recoveryKey }, { recoveryKey }, { recoveryKey }])

  store.close()
  const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
  const entries = [...entriesOf(database)].map((row) => String(row['entry']))
  database.close()
  const given = entries
    .filter((entry) => entry.includes('recovery_key.given'))
    .map((entry) => JSON.parse(entry) as object)
  expect(given).toMatchObject([{ site: 'AAAA-BBBB', key: fingerprintOf(key) }])
  expect(entries.join('') + log.text()).not.toContain(recoveryKey.slice(0, 9))
})
