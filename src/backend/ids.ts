import { randomBytes } from 'node:crypto'
import { isShortUuid, toShortUuid } from '#domain/shortuuid.ts'

let lastMs = 0
let counter = 0

/**
 * Makes a row id: a UUIDv7 as shortuuid. Ids of one process rise strictly, so newest first is by id.
 *
 * The counter takes the place of `rand_a` (RFC 9562, 6.2 method 1); when it runs over, the clock is pushed on.
 */
export function newId(): string {
  const now = Date.now()
  if (now > lastMs) {
    lastMs = now
    counter = 0
  } else {
    counter += 1
    if (counter > 0xfff) {
      lastMs += 1
      counter = 0
    }
  }
  const random = randomBytes(8)
  random[0] = (random[0]! & 0x3f) | 0x80
  const time = lastMs.toString(16).padStart(12, '0')
  const tail = random.toString('hex')
  const uuid = `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`
  const id = toShortUuid(uuid)
  if (id === null) throw new Error(`${uuid} is no UUID`)
  return id
}

/** The row id a request means by a shortuuid or a UUID; undefined when the text is the id of nothing. */
export function idFromReference(reference: string): string | undefined {
  if (isShortUuid(reference)) return reference
  return toShortUuid(reference) ?? undefined
}
