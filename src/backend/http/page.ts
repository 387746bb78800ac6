import type { Pagination } from '#contract/backend/values.ts'

/** Wraps the rows of one page as contracts 1.8 words it. */
export function pageAnswer<Item>(
  data: readonly Item[],
  query: { readonly page: number; readonly page_size: number },
  totalCount: number,
): { readonly data: readonly Item[]; readonly pagination: Pagination } {
  const totalPages = Math.ceil(totalCount / query.page_size)
  return {
    data,
    pagination: {
      page: query.page,
      page_size: query.page_size,
      total_count: totalCount,
      total_pages: totalPages,
      has_next: query.page < totalPages,
      has_previous: query.page > 1,
    },
  }
}
