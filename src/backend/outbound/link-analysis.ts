import type { QrAnalysis } from '#contract/backend/links.ts'
import { readDigitalLink } from '#domain/gs1/digital-link.ts'
import { readScan } from '#domain/scan.ts'
import { OutboundFault, type OutboundAnswer, type SendOutbound } from './guarded-request.ts'

/** The most addresses that are asked for one link, its own included. */
const hopLimit = 10
const hopMs = 5_000
const addressLimit = 2_048
/** Headers of a stored answer: the first so many, each cut to so many characters. */
const headerLimit = 40
const headerLength = 500

/** Headers that could let whoever reads the analysis act for the server, or for its visitors. */
const secretHeaders = new Set(['set-cookie', 'set-cookie2', 'authorization', 'proxy-authorization', 'cookie'])

const shorteners = new Set([
  'bit.ly',
  'bitly.com',
  'buff.ly',
  'cutt.ly',
  'goo.gl',
  'is.gd',
  'lnkd.in',
  'ow.ly',
  'qr1.at',
  'qrco.de',
  'rb.gy',
  'rebrand.ly',
  's.id',
  'shorturl.at',
  't.co',
  't.ly',
  't1p.de',
  'tiny.cc',
  'tinyurl.com',
  'v.gd',
])

/** Hosts that are Closient's own unless a site says otherwise. */
export const closientHosts: readonly string[] = ['closient.com', 'www.closient.com', 'www.closient.dev']

/** Whether a raw value is an address that the analysis is for. */
export function isWebAddress(rawValue: string): boolean {
  return /^https?:\/\/[^\s/]/i.test(rawValue) && URL.canParse(rawValue)
}

/** What an analysis needs. */
export interface LinkAnalysisParts {
  readonly send: SendOutbound
  readonly now: () => Date
  readonly closientHosts: readonly string[]
  readonly signal?: AbortSignal
}

/**
 * Follows a scanned address from redirect to redirect and says what it led through (contracts 1.7, 1.12).
 *
 * At most ten addresses are asked, each with five seconds; no body is read. Where the road is stopped, the hops so far
 * are kept and `error_message` says why. Rejects only when `signal` ends it.
 */
export async function analyseLink(rawValue: string, parts: LinkAnalysisParts): Promise<QrAnalysis> {
  const hops: QrAnalysis['hops'] = []
  const asked = new Set<string>()
  let url = new URL(rawValue)
  let fault = ''
  for (;;) {
    url.hash = ''
    if (asked.has(url.href)) {
      fault = `The redirects lead in a circle, back to ${cut(url.href)}.`
      break
    }
    if (hops.length === hopLimit) {
      fault = `There are more than ${hopLimit} redirects.`
      break
    }
    asked.add(url.href)
    let answer: OutboundAnswer
    try {
      answer = await parts.send(url, {
        method: 'GET',
        headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'User-Agent': 'Capstan-Link-Analysis/1.0' },
        timeoutMs: hopMs,
        ...(parts.signal === undefined ? {} : { signal: parts.signal }),
      })
    } catch (error) {
      parts.signal?.throwIfAborted()
      if (!(error instanceof OutboundFault)) throw error
      fault = `${error.message}.`
      break
    }
    hops.push({ url: cut(withoutUser(url)), status_code: answer.status, headers: headersOf(answer) })
    const { location } = answer.headers
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) break
    if (!URL.canParse(location, url.href)) {
      fault = `${url.hostname} redirects to something that is no address.`
      break
    }
    url = new URL(location, url.href)
  }

  const road = [rawValue, ...hops.map((hop) => hop.url), withoutUser(url)]
  const now = parts.now()
  const links = road.filter((address) => readDigitalLink(address, { now }).ok)
  const domain = new URL(rawValue).hostname
  const isClosient = road.some((address) => parts.closientHosts.includes(new URL(address).hostname))
  return {
    initial_url: rawValue,
    final_url: cut(withoutUser(url)),
    hops,
    hop_count: hops.length,
    resolver_domain: domain,
    resolver_type: isClosient
      ? 'CLOSIENT'
      : links.length > 0
        ? 'GS1_DL'
        : shorteners.has(domain)
          ? 'URL_SHORTENER'
          : hops.length <= 1
            ? 'DIRECT'
            : 'UNKNOWN',
    is_closient_resolver: isClosient,
    extracted_gtin: links.map((link) => readScan({ data: link }, { now }).gtin ?? '').find((gtin) => gtin !== '') ?? '',
    error_message: fault,
  }
}

function withoutUser(url: URL): string {
  const plain = new URL(url)
  plain.username = ''
  plain.password = ''
  return plain.href
}

function cut(address: string): string {
  return address.length <= addressLimit ? address : address.slice(0, addressLimit)
}

function headersOf({ headers }: OutboundAnswer): Record<string, string> {
  // Where it redirects to may name a user too; all else of it is kept as it was sent.
  const told = (name: string, value: string): string => {
    const address = name === 'location' ? URL.parse(value) : null
    return address && (address.username || address.password) ? withoutUser(address) : value
  }
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name, value]) => value !== undefined && !secretHeaders.has(name))
      .slice(0, headerLimit)
      .map(([name, value]) => [name, told(name, String(value)).slice(0, headerLength)]),
  )
}
