import { createHmac, randomBytes } from 'node:crypto'
import type { Db } from '../db/database.ts'
import { isSameSecret } from '../keys.ts'

/** How long a presigned address takes its photo. */
export const uploadSeconds = 900

/** What a presigned address says. */
export interface Upload {
  readonly sessionId: string
  readonly uploadId: string
}

/** Signs and reads the tokens of presigned addresses. */
export interface UploadTokens {
  readonly make: (upload: Upload, at: Date) => string
  /** What a token says; undefined when it was not made here, `expired` when its time is over. */
  readonly read: (token: string, at: Date) => Upload | 'expired' | undefined
}

/** The key by which clients register an uploaded photo. */
export function uploadKey({ sessionId, uploadId }: Upload): string {
  return `uploads/${sessionId}/${uploadId}`
}

/** Tokens that every process with this secret reads. */
export function createUploadTokens(secret: string): UploadTokens {
  const sign = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url')
  return {
    make({ sessionId, uploadId }, at) {
      const text = [sessionId, uploadId, Math.floor(at.getTime() / 1_000) + uploadSeconds].join('.')
      return `${text}.${sign(text)}`
    },
    read(token, at) {
      const [text = '', sessionId = '', uploadId = '', until = '', signature = ''] =
        /^(([^.]+)\.([^.]+)\.(\d+))\.([\w-]+)$/.exec(token)?.slice(1) ?? []
      if (text === '' || !isSameSecret(signature, sign(text))) return undefined
      return Number(until) * 1_000 <= at.getTime() ? 'expired' : { sessionId, uploadId }
    },
  }
}

/** A secret that all processes of a server share, made by the first of them. */
export async function sharedSecret(
  db: Db,
  name: string,
  make = () => randomBytes(32).toString('base64url'),
): Promise<string> {
  const value = make()
  await db
    .insertInto('secrets')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  return (await db.selectFrom('secrets').select('value').where('name', '=', name).executeTakeFirstOrThrow()).value
}
