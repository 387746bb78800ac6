import type { z } from 'zod'
import { gateRulesSchema, type GateRules } from '#contract/gate/rules.ts'
import {
  gatePaths,
  listHeaders,
  listKeySchema,
  verdictAnswerSchema,
  type ListKey,
  type VerdictAnswer,
  type VerdictRequest,
} from '#contract/gate/site.ts'
import { createRequests, type Address, type Fetch, type RemoteResult } from '#station/remote/requests.ts'

/** A page of the list of passes as it came: nothing of it has been checked. */
export interface ListPage {
  readonly head: string
  readonly signature: string
  readonly body: Uint8Array
}

/** The gates' part of the site's backend (contract/gate/site.ts). Every method answers, none throws. */
export interface GateClient {
  /** Asks for a verdict, or tells of one; a repeat with the same `client_scan_id` does nothing more. */
  verdict(request: VerdictRequest, timeoutMs?: number): Promise<RemoteResult<VerdictAnswer>>
  /** Undoes an admission. */
  undo(scanId: string, reason: string, timeoutMs?: number): Promise<RemoteResult<null>>
  rules(gate: string): Promise<RemoteResult<GateRules>>
  listKey(): Promise<RemoteResult<ListKey>>
  /** The changes of the list after the one with this number; null when there are none. */
  list(after: number): Promise<RemoteResult<ListPage | null>>
}

const pageBytes = 64 * 1024 * 1024
const pageTimeoutMs = 60_000

/** Creates the client; `credential` is the site's key for this station. */
export function createGateClient(options: {
  readonly fetch: Fetch
  readonly url: Address
  readonly credential: () => Promise<string | null>
  readonly now: () => Date
  readonly signal?: AbortSignal
}): GateClient {
  const { send, download } = createRequests(options)
  const ask = async <T>(
    ...[method, path, read, requestOptions]: Parameters<typeof send<T>>
  ): Promise<RemoteResult<T>> => (await send(method, path, read as z.ZodType<T>, requestOptions)) as RemoteResult<T>
  return {
    verdict: (request, timeoutMs) =>
      ask('POST', gatePaths.verdicts, verdictAnswerSchema, {
        json: request,
        key: request.client_scan_id,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      }),
    undo: (scanId, reason, timeoutMs) =>
      ask<null>('POST', gatePaths.undo(scanId), null, {
        json: { reason },
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      }),
    rules: (gate) => ask('GET', gatePaths.rules(gate), gateRulesSchema),
    listKey: () => ask('GET', gatePaths.listKey, listKeySchema),
    async list(after) {
      const answer = await download(gatePaths.list(after), { maxBytes: pageBytes, timeoutMs: pageTimeoutMs })
      if (!answer.ok) return answer
      const { headers, bytes } = answer.value
      const [head, signature] = [headers.get(listHeaders.head), headers.get(listHeaders.signature)]
      if (head === null || signature === null) return { ok: true, value: null }
      return { ok: true, value: { head, signature, body: bytes } }
    },
  }
}
