import type { PhotoFault, PhotoQuality } from '#contract/station/photo-quality.ts'

/** What cannot be read later, whatever is done with the photo. */
const unreadable: ReadonlySet<PhotoFault> = new Set(['too_dark', 'too_bright', 'blurred'])

/** What a list of faults comes to. */
export function verdictOf(faults: readonly PhotoFault[]): PhotoQuality['verdict'] {
  if (faults.some((fault) => unreadable.has(fault))) return 'retake'
  return faults.length > 0 ? 'check' : 'good'
}
