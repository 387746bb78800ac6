import { create } from 'zustand'
import type { AppError } from '#contract/result.ts'
import type { ControlOutcome } from '#contract/station/control.ts'

/** The last control barcode and what became of it; null once a scan has followed. */
export type ControlNews =
  | { readonly kind: 'taken'; readonly outcome: ControlOutcome }
  | { readonly kind: 'refused'; readonly error: AppError }

export const useControlNews = create<{ readonly news: ControlNews | null }>(() => ({ news: null }))

/** Shows what became of a control barcode, or takes it away. */
export function tellControl(news: ControlNews | null): void {
  useControlNews.setState({ news })
}
