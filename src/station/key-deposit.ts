import type { Log } from '#contract/ports.ts'
import { fingerprintOf, recoveryKeyOf, type DataKey } from '#sealing/index.ts'
import type { SiteClient } from '#station/remote/site-client.ts'
import type { Store } from '#station/store/store.ts'

/** Has the site keep the recovery key, so that a key store that is lost loses no capture. */
export interface KeyDeposit {
  /**
   * The site's answer has named the keys that it keeps of this station; undefined where it keeps none of anybody. Its own
   * word is believed and nothing is remembered here: a site that was restored from before is given the key again.
   */
  siteHas(fingerprints: readonly string[] | undefined): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** Gives the key to the site whenever it does not say that it has it. What fails is tried again after the next check-in. */
export function createKeyDeposit(ports: {
  /** Null where nothing is encrypted: there is nothing to give then. */
  readonly key: DataKey | null
  /** The fingerprint of the site that the station is enrolled at; null for none. */
  readonly site: () => string | null
  readonly client: Pick<SiteClient, 'giveRecoveryKey'>
  readonly store: Pick<Store, 'ledger' | 'transaction'>
  readonly log: Log
}): KeyDeposit {
  const { key, client, store, log } = ports
  const held = key === null ? null : { fingerprint: fingerprintOf(key), recoveryKey: recoveryKeyOf(key) }
  let underWay: Promise<void> | null = null
  const give = async (site: string, { fingerprint, recoveryKey }: NonNullable<typeof held>): Promise<void> => {
    const answer = await client.giveRecoveryKey(recoveryKey)
    if (!answer.ok) {
      // By its number alone: the words of the answer may repeat what was sent.
      const { kind, status } = answer.failure
      return log.debug({ kind, status }, 'the site does not keep the recovery key yet')
    }
    store.transaction(() => store.ledger.append({ kind: 'recovery_key.given', site, key: fingerprint }))
    log.info({ site }, 'the site keeps the recovery key')
  }
  return {
    siteHas(fingerprints) {
      const site = ports.site()
      if (held === null || site === null || fingerprints === undefined || underWay !== null) return
      if (fingerprints.includes(held.fingerprint)) return
      underWay = give(site, held)
        .catch((error: unknown) => log.warn({ err: error }, 'that the site keeps the recovery key was not recorded'))
        .finally(() => (underWay = null))
    },
    async close() {
      await underWay
    },
  }
}
