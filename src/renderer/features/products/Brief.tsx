import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { ProductBrief } from '#contract/station/catalogue.ts'
import { CodeText } from '../../ui/CodeText.tsx'

/** A product in a list: what it is called, by whom and how much, and its GTIN. */
export function Brief(props: { readonly product: ProductBrief; readonly children?: ReactNode }) {
  const { product, children } = props
  const { t } = useTranslation()
  return (
    <span className="entry-what">
      <b>{product.name || t('products.unnamed')}</b>
      <span className="product-brief">
        <span>{[product.brand, product.netContent].filter((part) => part !== '').join(' · ')}</span>
        <CodeText raw={product.gtin} />
      </span>
      {children}
    </span>
  )
}
