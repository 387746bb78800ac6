import type { FieldError } from '#contract/backend/problem.ts'
import { metadataKeyLimit, type Metadata, type MetadataPatch } from '#contract/backend/values.ts'

/**
 * Merges a write into metadata: keys left out are kept, `""` deletes a key, `{}` and null clear all.
 *
 * Answers the field's fault when more than 50 keys would remain (contracts 1.9).
 */
export function mergeMetadata(
  present: Metadata,
  patch: MetadataPatch,
): { readonly metadata: Metadata } | { readonly fault: FieldError } {
  if (patch === null || Object.keys(patch).length === 0) return { metadata: {} }
  const merged = new Map([...Object.entries(present), ...Object.entries(patch)])
  const metadata = Object.fromEntries([...merged].filter(([, value]) => value !== ''))
  if (Object.keys(metadata).length > metadataKeyLimit) {
    return { fault: { field: 'metadata', message: `must have at most ${metadataKeyLimit} keys` } }
  }
  return { metadata }
}
