// oxlint-disable-next-line import/default -- `?worker&url` makes Vite export the worker's address
import workerUrl from './decode-worker.ts?worker&url'

/** The browser's guard of script addresses; TypeScript's library does not know it yet. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): URL }
}

let policy: { createScriptURL(url: string): URL | string } | undefined

/** Starts the decode worker, under the page's Trusted Types: this is the one script address that may be run. */
export function startDecodeWorker(): Worker {
  policy ??= (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('capstan-decode-worker', {
    createScriptURL(url) {
      if (url !== workerUrl) throw new TypeError('not the decode worker')
      return url
    },
  }) ?? { createScriptURL: (url) => url }
  return new Worker(policy.createScriptURL(workerUrl), { type: 'module', name: 'decode' })
}
