import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ProductBrief } from '#contract/station/catalogue.ts'
import { productExportFormats, stationPaths } from '#contract/station/http.ts'
import { useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Field } from '../../ui/Fields.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'
import { StateShape } from '../../ui/StateShape.tsx'
import { Brief } from './Brief.tsx'
import { CreateForm } from './CreateForm.tsx'
import './products.css'
import { ProductView } from './ProductView.tsx'
import { useProducts, type Products } from './use-products.ts'

/** The catalogue: search on the left, one product with all that is known of it on the right. */
export function ProductsScreen() {
  const { t } = useTranslation()
  const products = useProducts()
  const { record, error, open } = products
  const all = products.found?.products ?? []
  const step = (by: 1 | -1) => {
    const at = all.findIndex(({ gtin }) => gtin === record?.gtin)
    const next = all[at === -1 ? (by === 1 ? 0 : all.length - 1) : at + by]
    if (next) open(next.gtin)
  }
  const [isNew, setIsNew] = useState(false)
  const shownCode = products.text.replaceAll(/[\s-]/g, '')
  useShortcut('ArrowDown', () => step(1))
  useShortcut('ArrowUp', () => step(-1))
  return (
    <section className="products filling">
      <Finder products={products} onStep={step} onNew={() => setIsNew(true)} />
      <div className="product-place">
        {error !== null && <ErrorNote error={{ ...error, code: error.code === 'conflict' ? 'refused' : error.code }} />}
        {isNew ? (
          <CreateForm
            gtin={/^\d{8,14}$/.test(shownCode) ? shownCode : ''}
            onCreate={(gtin, values) => {
              void products
                .act(() => call('product.add', { gtin, values }))
                .then((isTaken) => isTaken && setIsNew(false))
            }}
            onCancel={() => setIsNew(false)}
          />
        ) : record === null ? (
          <p className="nothing">
            {t(products.found?.total === 0 && products.text.trim() === '' ? 'products.first' : 'products.choose')}
          </p>
        ) : (
          <ProductView key={record.gtin} products={products} record={record} />
        )}
      </div>
    </section>
  )
}

function Finder(props: {
  readonly products: Products
  readonly onStep: (by: 1 | -1) => void
  readonly onNew: () => void
}) {
  const { products, onStep, onNew } = props
  const { t, i18n } = useTranslation()
  const { text, search, found, foundBy, record, open } = products
  const input = useRef<HTMLInputElement>(null)
  useShortcut('s', () => input.current?.focus())
  return (
    <nav className="product-finder" aria-label={t('products.finder')}>
      <h1>{t('products.title')}</h1>
      <Field
        label={t('products.search')}
        placeholder={t('products.search_example')}
        keyName="S"
        value={text}
        onChange={search}
        inputRef={input}
        maxLength={200}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') onStep(1)
          if (event.key === 'ArrowUp') onStep(-1)
          if (event.key === 'Enter' && found?.products[0]) open(found.products[0].gtin)
        }}
      />
      <Told products={products} />
      <Button shortcut="n" onPress={onNew}>
        {t('products.new')}
      </Button>
      {found !== null && found.products.length === 0 && foundBy.kind !== 'asking' && (
        <p className="hint">{t(text.trim() === '' ? 'products.empty' : 'products.none')}</p>
      )}
      <ol className="product-list" aria-label={t('products.found')}>
        {found?.products.map((product) => (
          <li key={product.gtin}>
            <Entry product={product} isOpen={product.gtin === record?.gtin} onOpen={() => open(product.gtin)} />
          </li>
        ))}
      </ol>
      {found !== null && found.products.length > 0 && (
        <p className="product-exports">
          {t('products.export')}
          {productExportFormats.map((format) => (
            <a key={format} className="button button-plain" href={stationPaths.products(format, text)} download>
              {format.toUpperCase()}
            </a>
          ))}
        </p>
      )}
      {found !== null && found.total > found.products.length && (
        <p className="hint">
          {t('products.more', {
            shown: found.products.length,
            total: found.total.toLocaleString(i18n.language),
          })}
        </p>
      )}
    </nav>
  )
}

/** Says where the list comes from. */
function Told({ products }: { readonly products: Products }) {
  const { t, i18n } = useTranslation()
  const { found, foundBy } = products
  const isConfigured = useStation((state) => state.status?.backend.state !== 'unconfigured')
  if (foundBy.kind === 'station') {
    return (
      <output className="note product-told" data-tone={isConfigured ? 'attention' : 'info'}>
        <StateShape tone={isConfigured ? 'attention' : 'info'} size={22} />
        <span>{t(isConfigured ? 'products.told_here' : 'products.told_alone')}</span>
      </output>
    )
  }
  const count = (found?.total ?? 0).toLocaleString(i18n.language)
  return (
    <output className="hint product-told">
      {foundBy.kind === 'asking'
        ? t('products.asking')
        : t('products.told', { count: found?.total ?? 0, shown: count })}
    </output>
  )
}

function Entry(props: { readonly product: ProductBrief; readonly isOpen: boolean; readonly onOpen: () => void }) {
  const { product, isOpen, onOpen } = props
  const { t } = useTranslation()
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (isOpen) button.current?.scrollIntoView({ block: 'nearest' })
  }, [isOpen])
  return (
    <button ref={button} type="button" className="entry" aria-current={isOpen ? 'true' : undefined} onClick={onOpen}>
      <Brief product={product}>
        {product.refused > 0 ? (
          <span className="product-mark">
            <StateShape tone="stop" size={18} /> {t('products.refused_short', { count: product.refused })}
          </span>
        ) : (
          product.waiting > 0 && (
            <span className="product-mark">
              <StateShape tone="waiting" size={18} /> {t('products.waiting_short', { count: product.waiting })}
            </span>
          )
        )}
      </Brief>
    </button>
  )
}
