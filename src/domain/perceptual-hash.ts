/** Photos whose hashes differ in at most this many of their 256 bits show the same (`npm run bench -- quality`). */
export const samePhotoBits = 44

/** How many bits two hashes of the same length (hexadecimal digits, a multiple of 8) differ in. */
export function differingBits(one: string, other: string): number {
  let bits = 0
  for (let at = 0; at < one.length; at += 8) {
    let difference = Number.parseInt(one.slice(at, at + 8), 16) ^ Number.parseInt(other.slice(at, at + 8), 16)
    for (; difference !== 0; difference &= difference - 1) bits += 1
  }
  return bits
}

/**
 * Whether a photo says anything by its hash: one that is black, blown out or of a bare surface has hardly a step of brightness in
 * it: any two such ones would be called the same.
 */
export const tellsApart = (hash: string): boolean => differingBits(hash, '0'.repeat(hash.length)) > samePhotoBits / 2
