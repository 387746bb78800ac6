import type { SelectQueryBuilder } from 'kysely'
import type { Pagination } from '#contract/backend/values.ts'

interface PageQuery {
  readonly page: number
  readonly page_size: number
}

/** One page: how many rows match, and those of the page in the order of `rows`, which selects from the same ones. */
export async function readPage<
  Database,
  Table extends keyof Database,
  OwnDatabase,
  OwnTable extends keyof OwnDatabase,
  Row,
  Item,
>(
  matching: SelectQueryBuilder<Database, Table, object>,
  rows: SelectQueryBuilder<OwnDatabase, OwnTable, Row>,
  query: PageQuery,
  answer: (row: Row) => Item,
): Promise<{ readonly data: readonly Item[]; readonly pagination: Pagination }> {
  const { count } = await matching
    .select((all) => all.fn.countAll<number>().as('count'))
    .$castTo<{ count: number }>()
    .executeTakeFirstOrThrow()
  const found = await rows
    .limit(query.page_size)
    .offset((query.page - 1) * query.page_size)
    .execute()
  return pageAnswer(
    (found as readonly Row[]).map((row) => answer(row)),
    query,
    count,
  )
}

/** Wraps the rows of one page as contracts 1.8 words it. */
function pageAnswer<Item>(
  data: readonly Item[],
  query: PageQuery,
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
