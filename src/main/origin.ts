import { visitorPath } from '#contract/page.ts'

/** The window's scheme and host; its origin is fixed, so that storage and permissions belong to it alone. */
export const ownScheme = 'app'
export const ownHost = 'kiosk'
export const ownUrl = `${ownScheme}://${ownHost}/`
/** The display of visitors. */
export const visitorUrl = `${ownScheme}://${ownHost}${visitorPath}`

/**
 * Whether an address or origin is the kiosk's own, parsed and compared exactly:
 * `app://kiosk.evil/` and `app://kiosk@evil/` are not.
 */
export function isOwnUrl(url: string): boolean {
  try {
    const { protocol, host, username, password } = new URL(url)
    return protocol === `${ownScheme}:` && host === ownHost && username === '' && password === ''
  } catch {
    return false
  }
}
