import { describe, expect, it } from 'vitest'
import { createAccount } from '#renderer/client/account.ts'

describe('the account of a device', () => {
  it('adds up while every event is answered or in line, also over a reload', () => {
    const account = createAccount()
    account.begin(2)
    account.event()
    expect(account.audit(3, 0)).toBeNull()
    account.settled()
    expect(account.audit(2, 5_000)).toBeNull()
    account.settled()
    account.settled()
    expect(account.audit(0, 10_000)).toBeNull()
  })

  it('tells once of an event that came to nothing', () => {
    const account = createAccount()
    account.event()
    account.event()
    account.settled()
    expect(account.audit(0, 0)).toBeNull()
    expect(account.audit(0, 1_999)).toBeNull()
    expect(account.audit(0, 2_000)).toEqual({ events: 2, answers: 1 })
    expect(account.audit(0, 60_000)).toBeNull()
    account.event()
    account.audit(0, 61_000)
    expect(account.audit(0, 63_000)).toEqual({ events: 3, answers: 1 })
  })

  it('tells of answers without an event', () => {
    const account = createAccount()
    account.settled()
    account.audit(0, 0)
    expect(account.audit(0, 3_000)).toEqual({ events: 0, answers: 1 })
  })
})
