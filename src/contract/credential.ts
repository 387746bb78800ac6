import { z } from 'zod'

/**
 * A secret that is kept: an API key, or the cookies of somebody who is signed in. Behind a cookie the organisation has to
 * be named where a session is made; a key is of one organisation anyway.
 */
export type KeptCredential =
  | { readonly kind: 'key'; readonly key: string }
  | {
      readonly kind: 'cookie'
      readonly sessionId: string
      readonly csrfToken: string
      readonly organizationId: string
    }

/** What a station shows a backend: such a secret, or an OAuth token, which is got anew each hour. */
export type Credential = KeptCredential | { readonly kind: 'bearer'; readonly token: string }

/** What a header or a cookie can hold, so that nothing of it ever ends up in an error of the network layer. */
const secretText = z.string().regex(/^[\x21-\x7e]{1,4096}$/)
/** Neither `;` nor `,` nor quotes: they would end the cookie (RFC 6265 section 4.1.1). */
const cookieText = z.string().regex(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,4096}$/)

const keptCookieSchema = z.object({
  sessionid: cookieText,
  csrftoken: cookieText,
  organization: z.string().max(100).default(''),
})

/** Reads a secret as it is kept: the text of a key, or a JSON object with the two cookies. Null when it is neither. */
export function readCredential(secret: string): KeptCredential | null {
  if (secret.startsWith('{')) {
    const cookie = keptCookieSchema.safeParse(parse(secret))
    if (!cookie.success) return null
    const { sessionid, csrftoken, organization } = cookie.data
    return { kind: 'cookie', sessionId: sessionid, csrfToken: csrftoken, organizationId: organization }
  }
  return secretText.safeParse(secret).success ? { kind: 'key', key: secret } : null
}

/** The text that `readCredential` reads. */
export function writeCredential(credential: KeptCredential): string {
  if (credential.kind === 'key') return credential.key
  const { sessionId, csrfToken, organizationId } = credential
  return JSON.stringify({ sessionid: sessionId, csrftoken: csrfToken, organization: organizationId })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
