import type { ExtractedFieldName } from '../vision.ts'

export function calibrated(_field: ExtractedFieldName, _rule: string, score: number): number {
  return Math.round(Math.min(0.99, Math.max(0.01, score)) * 100) / 100
}
