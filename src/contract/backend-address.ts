/**
 * Whether keys and captures may be sent to an address: by HTTPS, or in the clear to this machine only. Addresses are
 * shown and logged, so that one with a password or a query, where keys hide too, is none.
 *
 * What follows the host must be a port or a path, so that `http://127.0.0.1:80@evil.example` is not loopback.
 */
export function isSafeBackendAddress(url: string): boolean {
  return (
    /^https:\/\/[^\s/?#@]+(\/[^?#\s]*)?$/i.test(url) ||
    /^http:\/\/(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d{1,5})?(\/[^?#\s]*)?$/i.test(url)
  )
}
