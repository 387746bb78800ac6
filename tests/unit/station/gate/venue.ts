import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { GatePass, PassUse } from '#contract/gate/pass.ts'
import { unused } from '#contract/gate/pass.ts'
import type { ListKey } from '#contract/gate/site.ts'
import {
  deriveKeys,
  hashValue,
  sealPass,
  signPage,
  writePage,
  type SealedValue,
  type SignedPage,
} from '#pass-list/index.ts'

export const pass = (passId: string, more: Partial<GatePass> = {}): GatePass => ({
  passId,
  passType: 'day',
  passKind: 'eventTicket',
  status: 'active',
  validFrom: null,
  validUntil: null,
  entries: null,
  lists: [],
  privileges: {},
  ...more,
})

/** A change of the list: a value and the pass that has it from now on, or null. */
export interface Change {
  readonly value: string
  readonly pass: GatePass | null
  readonly use?: PassUse
}

/** A site that writes lists as the backend does. */
export interface Venue {
  readonly key: ListKey
  /** The page of these changes after the change number `after`. */
  page(after: number, changes: readonly Change[], more?: { left?: number; asOf?: string; list?: string }): SignedPage
}

export function createVenue(list = 'list-1'): Venue {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key: ListKey = {
    list,
    key: randomBytes(32).toString('base64url'),
    publicKey: String(publicKey.export({ format: 'jwk' }).x),
  }
  const keys = deriveKeys(key)
  return {
    key,
    page(after, changes, more = {}) {
      const values = changes.map(({ value, pass: held, use = unused }): SealedValue => {
        const place = hashValue(keys, value)
        return { place, sealed: held && sealPass(keys, place, { pass: held, use }) }
      })
      const body = writePage(values)
      const head = {
        list: more.list ?? list,
        after,
        to: after + changes.length,
        values: changes.length,
        left: more.left ?? 0,
        asOf: more.asOf ?? '2026-11-21T09:00:00.000Z',
      }
      return { ...signPage(head, body, privateKey), body }
    },
  }
}
