// oxlint-disable-next-line import/default -- `?worker&url` makes Vite export the worker's address
import decodeUrl from './decode-worker.ts?worker&url'
// oxlint-disable-next-line import/default -- as above
import stillUrl from './still-worker.ts?worker&url'

/** The browser's guard of script addresses; TypeScript's library does not know it yet. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): URL }
}

const urls = { decode: decodeUrl, still: stillUrl } as const

let policy: { createScriptURL(url: string): URL | string } | undefined

/** Starts a worker, under the page's Trusted Types: these are the only script addresses that may be run. */
export function startWorker(name: keyof typeof urls): Worker {
  policy ??= (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('capstan-workers', {
    createScriptURL(url) {
      if (!Object.values(urls).includes(url)) throw new TypeError('not one of the workers')
      return url
    },
  }) ?? { createScriptURL: (url) => url }
  return new Worker(policy.createScriptURL(urls[name]), { type: 'module', name })
}
