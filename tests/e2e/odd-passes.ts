/** Values of passes that a careless road would change: each has to arrive to the byte. */
export const oddValues: readonly string[] = ['000123', '0012345 ', '  0010 other', '010400638133393110AB\u001d21XYZ']

/** Their passes as the backend imports them. */
export const oddPasses: string = ['passId,value', ...oddValues.map((value, index) => `odd-${index},"${value}"`)].join(
  '\n',
)

/** The scans that a tenant has, oldest first: the pass and the value of each. */
export async function scansOfTenant(url: string, key: string): Promise<[string, string][]> {
  const response = await fetch(`${url}/api/acme/scans?pageSize=100`, { headers: { 'x-api-key': key } })
  const scans = (await response.json()) as { passId: string; data: string }[]
  return scans.map(({ passId, data }): [string, string] => [passId, data]).toReversed()
}

export const allOdd: readonly [string, string][] = oddValues.map((value, index) => [`odd-${index}`, value])
