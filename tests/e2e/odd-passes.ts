import { expect } from 'vitest'

/** As long as a pass may be; no character stands where another one could. */
const longest = Array.from({ length: 2_048 }, (_, index) => String.fromCharCode(0x23 + ((index * 7) % 89))).join('')

/** Values of passes that a careless road would change: each has to arrive to the byte. */
export const oddValues: readonly string[] = [
  '000123',
  '0012345 ',
  '  0010 other',
  '010400638133393110AB\u001d21XYZ',
  longest,
]

/** Their passes as the backend imports them. */
export const oddPasses: string = ['passId,value', ...oddValues.map((value, index) => `odd-${index},"${value}"`)].join(
  '\n',
)

/** The scans that a tenant has, oldest first: the pass and the value of each. */
async function scansOfTenant(url: string, key: string): Promise<[string, string][]> {
  const response = await fetch(`${url}/api/acme/scans?pageSize=100`, { headers: { 'x-api-key': key } })
  const scans = (await response.json()) as { passId: string; data: string }[]
  return scans.map(({ passId, data }): [string, string] => [passId, data]).toReversed()
}

/**
 * What a keyboard scanner types at a gate, on its way to the tenant. Each call of `arrive` waits until everything that was
 * scanned so far is there, to the byte, once and in order.
 */
export function createOddScans(tenant: {
  readonly url: () => string
  readonly key: string
  readonly scan: (...codes: readonly string[]) => Promise<void>
}) {
  const all = oddValues.map((value, index): [string, string] => [`odd-${index}`, value])
  const scanned: [string, string][] = []
  const ofTenant = () => scansOfTenant(tenant.url(), tenant.key)
  return {
    /** What the tenant had before is none of this. */
    async forget(): Promise<void> {
      scanned.splice(0, scanned.length, ...(await ofTenant()))
    },
    async scan(): Promise<void> {
      await tenant.scan(...oddValues)
      scanned.push(...all)
    },
    /** `more`: what else was read since. */
    async arrive(...more: readonly [string, string][]): Promise<void> {
      scanned.push(...more)
      await expect.poll(ofTenant, { timeout: 60_000 }).toEqual(scanned)
    },
  }
}
