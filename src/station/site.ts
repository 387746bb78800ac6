import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import {
  enrolledSiteSchema,
  type EnrolledSite,
  type EnrolmentOutcome,
  type EnrolmentRefusal,
  type InspectedCode,
} from '#contract/station/enrolment.ts'
import { fingerprintOf, isSignedBy, readEnrolmentCode, type EnrolmentCode } from '#enrolment/index.ts'
import type { Fetch, RemoteFailure } from '#station/remote/requests.ts'
import { createSiteClient } from '#station/remote/site-client.ts'
import type { Store } from '#station/store/store.ts'

/** Which site a station belongs to, and how it comes to one (docs/adr/0014). */
export interface SiteLink {
  current(): EnrolledSite | null
  /** The key that the site gave. */
  key(): Promise<string | null>
  keepKey(key: string): Promise<void>
  /** What a code says, as far as the station can tell alone. */
  inspect(text: string): InspectedCode
  /** Uses a code, of the site that a person has confirmed by its fingerprint. */
  enrol(text: string, fingerprint: string): Promise<EnrolmentOutcome>
  /** The site has given the station another label or group. */
  relabel(label: string, group: string): void
  /** The station belongs to no site any more; what it captured stays. `conflict` while some of it waits for the site. */
  leave(): Promise<Result<null>>
}

const siteFact = 'site'
const keyName = 'site-key'

/** Opens the link of a store. A key that `capstan enrol` has left in a file is taken over where the host keeps secrets. */
export async function openSiteLink(ports: {
  readonly dataDir: string
  readonly store: Pick<Store, 'facts' | 'ledger' | 'outbox' | 'sessions' | 'stationId' | 'transaction'>
  /** Undefined where the host keeps none: the key then stays in a file that its owner alone may read. */
  readonly secrets:
    | { read(name: string): Promise<string | null>; write(name: string, secret: string): Promise<void> }
    | undefined
  /** The backend that the host was started with. */
  readonly hostUrl: () => string | null
  readonly fetch: Fetch
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly stationName: () => string
}): Promise<SiteLink> {
  const { store, clock, log } = ports
  const file = keyFile(ports.dataDir)
  const secrets = ports.secrets ?? {
    read: () => Promise.resolve(file.read()),
    write: (_name: string, secret: string) => Promise.resolve(file.write(secret)),
  }
  let site = store.facts.read(siteFact, enrolledSiteSchema)
  const handedOver = ports.secrets === undefined ? null : file.read()
  if (handedOver !== null) {
    await secrets.write(keyName, handedOver)
    file.remove()
  }

  const refused = (reason: EnrolmentRefusal, detail: string) => ({ outcome: 'refused', reason, detail }) as const
  /** Whether something here is about what the present backend has, and so of no use to another. */
  const isBound = (): boolean => (store.sessions.current()?.remoteId ?? null) !== null || store.outbox.bound() > 0
  const isElsewhere = (url: string): boolean => {
    const present = ports.hostUrl()
    return present === null || new URL(present).origin !== new URL(url).origin
  }
  const judge = (text: string): EnrolmentCode | ReturnType<typeof refused> => {
    const read = readEnrolmentCode(text)
    if (read.kind === 'none') return refused('unreadable', 'this is no enrolment code')
    if (read.kind === 'tampered')
      return refused('tampered', 'the code is damaged, or was changed: its signature does not hold')
    const { code } = read
    if (site !== null && site.publicKey !== code.publicKey) {
      return refused(
        'other_site',
        `this station belongs to ${site.url} (${site.fingerprint}): let it leave that site first`,
      )
    }
    if (code.expiresAt <= clock.now().toISOString()) {
      return refused(
        'expired',
        `the code was good until ${code.expiresAt}; this station's clock says ${clock.now().toISOString()}`,
      )
    }
    if (site === null && isElsewhere(code.url) && isBound()) {
      return refused('working', 'end the session and let everything be sent to the present backend first')
    }
    return code
  }
  const ofFailure = ({ kind, status, code, message }: RemoteFailure) => {
    if (kind === 'unreachable' || kind === 'busy') return refused('offline', message)
    const reasons: Partial<Record<number, EnrolmentRefusal>> = {
      400: 'tampered',
      403: 'other_site',
      409: 'used',
      422: 'expired',
    }
    // Without a problem of the site's own, it is the path that is not there.
    if (status === 404) return code === 'not_found' ? refused('unknown', message) : refused('not_the_site', message)
    return refused(reasons[status ?? 0] ?? 'refused', message)
  }
  const keep = (next: EnrolledSite | null): void => {
    store.facts.set(siteFact, JSON.stringify(next))
    site = next
  }

  return {
    current: () => site,
    key: () => secrets.read(keyName),
    keepKey: (key) => secrets.write(keyName, key),
    inspect(text) {
      const code = judge(text)
      if ('outcome' in code) return code
      const { url, label, group, expiresAt, publicKey } = code
      return {
        outcome: 'code',
        url,
        fingerprint: fingerprintOf(publicKey),
        label,
        group,
        expiresAt,
        isKnown: site !== null,
      }
    },
    async enrol(text, fingerprint) {
      const code = judge(text)
      if ('outcome' in code) return code
      const { url, publicKey } = code
      if (fingerprintOf(publicKey) !== fingerprint)
        return refused('other_site', 'another site was confirmed than the code is of')
      const client = createSiteClient({
        fetch: ports.fetch,
        url,
        credential: () => Promise.resolve(null),
        now: () => clock.now(),
      })
      const challenge = randomBytes(32).toString('base64url')
      const known = await client.site(challenge)
      if (!known.ok) {
        const failure = ofFailure(known.failure)
        return failure.reason === 'offline'
          ? failure
          : refused('not_the_site', `no site answers at ${url}: ${failure.detail}`)
      }
      if (known.value.challenge !== challenge || !isSignedBy(publicKey, known.value)) {
        return refused('not_the_site', `who answers at ${url} is not the site that made the code; it was not shown it`)
      }
      const answer = await client.enrol({
        code: text,
        challenge,
        station: { id: store.stationId, name: ports.stationName(), version: ports.version },
      })
      if (!answer.ok) return ofFailure(answer.failure)
      if (answer.value.challenge !== challenge || !isSignedBy(publicKey, answer.value)) {
        return refused('not_the_site', `the answer from ${url} is not signed by the site`)
      }
      const { apiKey, organization, label, group } = answer.value
      const enrolledAt = clock.now().toISOString()
      await secrets.write(keyName, apiKey)
      const next = { url, publicKey, fingerprint, organization, label, group, enrolledAt }
      store.transaction(() => {
        keep(next)
        store.ledger.append({ kind: 'station.enrolled', site: fingerprint, url, label, group })
      })
      log.info({ url, fingerprint, label, group }, 'enrolled at a site')
      return { outcome: 'enrolled', site: next }
    },
    relabel(label, group) {
      if (site === null || (site.label === label && site.group === group)) return
      keep({ ...site, label, group })
    },
    async leave() {
      if (site === null) return fail('not_found', 'this station is enrolled at no site')
      if (isBound()) {
        return fail('conflict', 'end the session and let everything be sent to the site first')
      }
      const { fingerprint } = site
      await secrets.write(keyName, '')
      store.transaction(() => {
        keep(null)
        store.ledger.append({ kind: 'station.left', site: fingerprint })
      })
      return ok(null)
    },
  }
}

/** The key where no host keeps secrets, or until one does. */
function keyFile(dataDir: string) {
  const path = join(dataDir, 'site.key')
  return {
    read(): string | null {
      try {
        return readFileSync(path, 'utf8').trim() || null
      } catch {
        return null
      }
    },
    write(key: string): void {
      writeFileSync(path, `${key}\n`, { mode: 0o600 })
      // Of a file that was there, the mode is the old one.
      chmodSync(path, 0o600)
    },
    remove: () => rmSync(path, { force: true }),
  }
}
