import type { Db } from '../db/database.ts'
import type { BrandHints } from '../vision/vision.ts'

/** More brands than any shop has; what is beyond is the rarest. */
const mostBrands = 2_000

/**
 * How many digits of a GTIN-14 say whose it is: the packaging digit and eight of the company prefix, which has seven to
 * eleven. Two companies seldom share eight, and one company seldom fills them.
 */
const prefixDigits = 9

/** The brands of the catalogue, and those of products numbered like this one. */
export async function brandHints(db: Db, gtin: string): Promise<BrandHints> {
  const brands = db
    .selectFrom('products')
    .select(({ fn }) => ['brand', fn.countAll<number>().as('count')])
    .where('brand', '!=', '')
    .groupBy('brand')
    .orderBy('count', 'desc')
    .orderBy('brand')
  const [known, ofCompany] = await Promise.all([
    brands.limit(mostBrands).execute(),
    gtin === ''
      ? []
      : brands
          .where('gtin', 'like', `${gtin.slice(0, prefixDigits)}%`)
          .limit(20)
          .execute(),
  ])
  return { known: known.map(({ brand }) => brand), ofCompany: ofCompany.map(({ brand }) => brand) }
}
