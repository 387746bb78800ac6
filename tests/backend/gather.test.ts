import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { gather } from '#backend/gather.ts'
import { databaseOf, engine, startSite } from './fixture.ts'

describe('work that is gathered', () => {
  it('answers each its own, takes the next group while others are on their way, and none that is too large', async () => {
    const groups: (readonly number[])[] = []
    const doubled = gather<number, number>(
      async (items) => {
        groups.push(items)
        await new Promise((resolve) => setTimeout(resolve, 5))
        return items.map((item) => item * 2)
      },
      { atATime: 1, most: 10 },
    )
    const first = doubled(1)
    const rest = new Promise((resolve) => setTimeout(resolve, 2)).then(() =>
      Promise.all(Array.from({ length: 25 }, (_, index) => doubled(100 + index))),
    )
    expect(await first).toBe(2)
    expect(await rest).toEqual(Array.from({ length: 25 }, (_, index) => 200 + 2 * index))
    expect(groups.map((items) => items.length)).toEqual([1, 10, 10, 5])
    expect(await doubled(7)).toBe(14)
  })

  it('tells a failure to its group only', async () => {
    const work = gather<string, string>(
      (items) => (items.includes('bad') ? Promise.reject(new Error('bad')) : Promise.resolve(items)),
      { atATime: 1, most: 2 },
    )
    const outcomes = await Promise.allSettled(['good', 'bad', 'fine', 'well'].map((item) => work(item)))
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled'])
    expect(await work('after')).toBe('after')
  })
})

describe('captures that come together', () => {
  it('fail alone, each by its own fault', async () => {
    const site = await startSite()
    const { db } = await databaseOf(site.dataDir)
    await (
      engine === 'sqlite'
        ? sql`create trigger poison before insert on captures when new.raw_value = 'poison'
              begin select raise(abort, 'poison'); end`
        : sql`alter table captures add constraint poison check (raw_value <> 'poison')`
    ).execute(db)
    const session = await site.openSession()
    const ended = await site.openSession()
    await site.call('POST', `/scanner/api/v1/sessions/${ended}/end`)
    const unknown = '23456789ABCDEFGHJKLMNP'
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        index === 17
          ? site.submit(session, 'poison')
          : index % 10 === 3
            ? site.submit(ended, `late ${index}`)
            : index % 10 === 4
              ? site.submit(unknown, `astray ${index}`)
              : index % 10 === 5
                ? site.submit(session, '4006381333931', { gtin: '9506000134352' })
                : site.submit(session, `good ${index}`, {}, { 'Idempotency-Key': `key ${index}` }),
      ),
    )
    const expected = Array.from({ length: 60 }, (_, index) =>
      index === 17 ? 500 : index % 10 === 3 ? 409 : index % 10 === 4 ? 404 : index % 10 === 5 ? 422 : 201,
    )
    expect(replies.map(({ status }) => status)).toEqual(expected)
    const again = await Promise.all(
      [0, 1, 2, 6].map((index) => site.submit(session, `good ${index}`, {}, { 'Idempotency-Key': `key ${index}` })),
    )
    expect(again.map(({ body }) => body)).toEqual([0, 1, 2, 6].map((index) => replies[index]?.body))
    expect(again.every(({ headers }) => headers.get('idempotent-replayed') === 'true')).toBe(true)
    const { body } = await site.call('GET', `/scanner/api/v1/captures?page_size=100`)
    const values = (body.data as { raw_value: string }[]).map(({ raw_value }) => raw_value)
    expect(values.toSorted()).toEqual(
      expected.flatMap((status, index) => (status === 201 ? [`good ${index}`] : [])).toSorted(),
    )
  })
})
