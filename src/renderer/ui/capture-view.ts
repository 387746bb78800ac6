import type { Capture } from '#contract/station/capture.ts'

/** A state's colour and shape; each tone has one shape, so colour is never the only difference. */
export type Tone = 'ok' | 'attention' | 'stop' | 'waiting' | 'info'

/** What a capture is to the person in front of it; each has a word and a sentence among the texts. */
export type CaptureWord =
  | 'found'
  | 'done'
  | 'not_found'
  | 'failed'
  | 'parked'
  | 'undecided'
  | 'checking'
  | 'discarded'
  | 'kept_offline'
  | 'waiting'
  | 'looking_up'
  | 'ignored'
  | 'rejected'
  | 'undone'
  | 'unknown'

export interface CaptureView {
  readonly tone: Tone
  readonly word: CaptureWord
}

/** Boils a capture's three states (disposition, road to the backend, pipeline) down to the one that matters now. */
export function captureView(capture: Capture, backendOnline: boolean): CaptureView {
  if (capture.sync === 'discarded') return { tone: 'info', word: 'discarded' }
  if (capture.disposition === 'undone') return { tone: 'info', word: 'undone' }
  if (capture.disposition === 'ignored') return { tone: 'info', word: 'ignored' }
  if (capture.disposition === 'rejected') return { tone: 'attention', word: 'rejected' }
  if (capture.sync === 'parked') return { tone: 'stop', word: 'parked' }
  if (capture.sync === 'undecided') return { tone: 'attention', word: 'undecided' }
  if (capture.sync === 'checking') return { tone: 'waiting', word: 'checking' }
  switch (capture.state) {
    case 'COMPLETED':
      return { tone: 'ok', word: capture.product === null ? 'done' : 'found' }
    case 'NOT_FOUND':
      return { tone: 'attention', word: 'not_found' }
    case 'FAILED':
      return { tone: 'stop', word: 'failed' }
    case 'unknown':
      return { tone: 'info', word: 'unknown' }
    case 'PENDING':
    case 'LOOKING_UP':
    case 'ENRICHING':
    case 'RESOLVING':
      if (capture.sync === 'sent' || (capture.sync === 'sending' && backendOnline))
        return { tone: 'waiting', word: 'looking_up' }
      return { tone: 'waiting', word: backendOnline ? 'waiting' : 'kept_offline' }
  }
}

/** Whether the station would do something if asked to retry this capture. */
export function isRetryable(capture: Capture): boolean {
  if (capture.disposition !== 'counted') return false
  // The server has it, and has refused its photo or a later word about it.
  const isPartRefused = capture.sync === 'sent' && capture.syncError !== null && capture.nextAttemptAt === null
  return capture.sync === 'parked' || isPartRefused || capture.state === 'FAILED' || capture.state === 'NOT_FOUND'
}

/** Whether a product can be made from it: the catalogue does not know it and it holds a GTIN. */
export function canBecomeProduct(capture: Capture): boolean {
  return capture.state === 'NOT_FOUND' && capture.gtin !== null && capture.disposition === 'counted'
}
