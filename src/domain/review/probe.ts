/**
 * A wrong value in the place of a right one, wrong enough for whoever reads the words beside it: another digit in a number,
 * an ingredient left out, or two letters changed places. Null for a value in which nothing of that can be seen.
 *
 * `random` answers numbers from 0 up to 1.
 */
export function plantWrong(value: string, random: () => number): string | null {
  const digits = [...value.matchAll(/\d/g)].map(({ index }) => index)
  if (digits.length > 0) {
    const at = digits[Math.floor(random() * digits.length)] ?? 0
    // A first digit does not become 0: that would be another notation of a smaller number.
    const other = 1 + ((Number(value[at]) + Math.floor(random() * 8)) % 9)
    const changed = other === Number(value[at]) ? (other % 9) + 1 : other
    return replaceAt(value, at, 1, String(changed))
  }
  const parts = value.split(/,\s*/)
  if (parts.length >= 4) {
    const out = 1 + Math.floor(random() * (parts.length - 2))
    return parts.filter((_, index) => index !== out).join(', ')
  }
  const pairs = [...value.matchAll(/(?=(\p{L})(\p{L}))/gu)].filter(
    ([, one = '', other = '']) => one.toLowerCase() !== other.toLowerCase(),
  )
  const pair = pairs[Math.floor(random() * pairs.length)]
  if (pair === undefined) return null
  const [, one = '', other = ''] = pair
  return replaceAt(value, pair.index, one.length + other.length, other + one)
}

const replaceAt = (text: string, at: number, length: number, by: string): string =>
  text.slice(0, at) + by + text.slice(at + length)
