import { v7 } from 'uuid'
import { isShortUuid, toShortUuid } from '#domain/shortuuid.ts'

/** Makes a row id: a UUIDv7 as shortuuid. Ids of one process rise strictly, so newest first is by id. */
export function newId(): string {
  const id = toShortUuid(v7())
  if (id === null) throw new Error('The UUID library made no UUID')
  return id
}

/** The row id a request means by a shortuuid or a UUID; undefined when the text is the id of nothing. */
export function idFromReference(reference: string): string | undefined {
  if (isShortUuid(reference)) return reference
  return toShortUuid(reference) ?? undefined
}
