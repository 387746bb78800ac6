import { photoFaultSchema } from '#contract/station/photo-quality.ts'
import type { PhotoFault, PhotoQuality } from '#contract/station/photo-quality.ts'

/** What cannot be read later, whatever is done with the photo, or is not to be read at all. */
const useless: ReadonlySet<PhotoFault> = new Set(['other_product', 'too_dark', 'too_bright', 'blurred', 'not_legible'])

/** What a list of faults comes to. */
export function verdictOf(faults: readonly PhotoFault[]): PhotoQuality['verdict'] {
  if (faults.some((fault) => useless.has(fault))) return 'retake'
  return faults.length > 0 ? 'check' : 'good'
}

/** Adds to a verdict what the picture alone does not tell. */
export function completed(quality: PhotoQuality, more: readonly PhotoFault[]): PhotoQuality {
  const faults = photoFaultSchema.options.filter((fault) => quality.faults.includes(fault) || more.includes(fault))
  return { ...quality, faults, verdict: verdictOf(faults) }
}

const ranks: Readonly<Record<PhotoQuality['verdict'], number>> = { retake: 0, check: 1, good: 2 }
/** Legibility differs by less from one photo of a label to the next. */
const moreLegible = 0.15

/** Whether a photo shows more than another of the same thing: a better verdict, apart from being there twice, or clearly more print. */
export function showsMore(one: PhotoQuality, other: PhotoQuality): boolean {
  const rank = ({ faults }: PhotoQuality): number => ranks[verdictOf(faults.filter((fault) => fault !== 'repeated'))]
  if (rank(one) !== rank(other)) return rank(one) > rank(other)
  return (one.legibility ?? 0) >= (other.legibility ?? 0) + moreLegible
}
