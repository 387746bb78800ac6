import type { Box, ExtractedFieldName, FieldData } from '../vision.ts'

/** What a rule found, before it is proposed. */
export interface Found {
  readonly field: ExtractedFieldName
  readonly value: string
  readonly data: FieldData | null
  /** How many of such proposals are right, from 0 to 1. */
  readonly score: number
  readonly boxes: readonly Box[]
  readonly reasoning: string
  /** The rule, for `source`. */
  readonly rule: string
}
