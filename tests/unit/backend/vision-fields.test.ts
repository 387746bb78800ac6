import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { extractFields, type FieldContext } from '#backend/vision/fields/extract-fields.ts'
import type { PageLine } from '#backend/vision/ocr/page.ts'
import type { ExtractedField } from '#backend/vision/vision.ts'
import { pageOf } from './text-page.ts'

function values(drawing: string, field: ExtractedField['field'], context: Partial<FieldContext> = {}): string[] {
  return extractFields(pageOf(drawing), { type: null, ...context })
    .fields.filter((one) => one.field === field)
    .map(({ value }) => value)
}

describe('ingredients', () => {
  test.each([
    [
      'English',
      'Ingredients: Oat flakes (56%), sugar, palm oil, honey,\nsalt, molasses.\nContains oats. May contain nuts.',
      'Oat flakes (56%), sugar, palm oil, honey, salt, molasses.',
    ],
    [
      'German',
      'Zutaten: Weizenmehl, Zucker, Palmöl, Kakao, Glukosesirup,\nSalz, Emulgator (Lecithine).\nKann Spuren von Nüssen enthalten.',
      'Weizenmehl, Zucker, Palmöl, Kakao, Glukosesirup, Salz, Emulgator (Lecithine).',
    ],
    [
      'French',
      'INGRÉDIENTS : farine de blé, sucre, beurre, œufs,\nsel. Peut contenir des traces de soja.',
      'farine de blé, sucre, beurre, œufs, sel.',
    ],
    [
      'Polish',
      'Składniki: mąka pszenna, cukier, olej palmowy, sól, aromaty.\nNajlepiej spożyć przed końcem',
      'mąka pszenna, cukier, olej palmowy, sól, aromaty.',
    ],
    [
      'many languages',
      'Ingredients/Zutaten/Ingrédients: Aqua, Glycerin, Parfum,\nSodium Chloride, Citric Acid.',
      'Aqua, Glycerin, Parfum, Sodium Chloride, Citric Acid.',
    ],
  ])('in %s end where the next thing begins', (_language, drawing, expected) => {
    expect(values(drawing, 'ingredients')[0]).toBe(expected)
  })

  test('a word divided at the end of its line is one word', () => {
    expect(
      values('Ingredients: Aqua, Cocamido-\npropyl Betaine, PEG-\n7 Glyceryl Cocoate, Parfum.', 'ingredients')[0],
    ).toBe('Aqua, Cocamidopropyl Betaine, PEG-7 Glyceryl Cocoate, Parfum.')
  })

  test('a column beside the list is not part of it', () => {
    const drawing = `
Ingredients: water,       Keep cool and dry.
sugar, orange juice,      Best before end: see
citric acid, flavouring,  bottom of the can.
colour (carotenes).       www.example.com
`
    expect(values(drawing, 'ingredients')[0]).toBe(
      'water, sugar, orange juice, citric acid, flavouring, colour (carotenes).',
    )
  })

  test('the word within a sentence is no heading', () => {
    expect(
      values('95% of the ingredients are of natural origin\nand come from farms that we know.', 'ingredients'),
    ).toEqual([])
  })

  test('a list without its heading is proposed with less confidence', () => {
    const list = 'Water, sugar, glucose syrup, citric acid, natural flavour,\nsalt, colour (E 150d), sodium benzoate.'
    const [headless] = extractFields(pageOf(list), { type: null }).fields.filter(({ field }) => field === 'ingredients')
    const [headed] = extractFields(pageOf(`Ingredients: ${list}`), { type: null }).fields.filter(
      ({ field }) => field === 'ingredients',
    )
    expect(headless?.value).toContain('glucose syrup')
    expect(headless!.confidence).toBeLessThan(headed!.confidence)
  })
})

describe('net content', () => {
  test.each([
    ['350 g e', '350 g'],
    ['e 400 ml', '400 ml'],
    ['NET WT 12 OZ (340g)', '12 oz'],
    ['6 x 330 ml', '6 x 330 ml'],
    ['Poids net: 1,5 kg', '1.5 kg'],
    ['75 cl', '75 cl'],
    ['750 ml - 25.3 fl. oz.', '750 ml'],
    ['Abtropfgewicht 240 g', '240 g'],
    ['1 L', '1 l'],
    ['Contenido neto 500 mL', '500 ml'],
  ])('%s is %s', (drawing, expected) => {
    expect(values(drawing, 'net_content')).toContain(expected)
  })

  test('both units of a statement are proposed', () => {
    expect(values('NET WT. 40g (35mL)', 'net_content').toSorted()).toEqual(['35 ml', '40 g'])
  })

  test.each([
    ['750 ML ALC. 13% BY VOL.', '750 ml'],
    ['ALC. 12,5 % VOL. 75 cl', '75 cl'],
    ['0,7 l 38% vol', '0.7 l'],
    ['Alcohol 4.5% vol 500 ml', '500 ml'],
  ])('the strength of a drink says nothing against its bottle: %s', (drawing, content) => {
    expect(values(drawing, 'net_content')).toEqual([content])
  })

  test.each([
    'Serving size 30 g',
    'per 100 g',
    'of which sugars 12 g',
    'contains 30 mg caffeine per 100 ml',
    '12M',
    'Vitamin C 12 mg',
  ])('%s is no content', (drawing) => {
    expect(values(drawing, 'net_content')).toEqual([])
  })
})

describe('origin', () => {
  test.each([
    ['Made in Germany', 'DE'],
    ['PRODUIT DE FRANCE', 'FR'],
    ['Product of Italy', 'IT'],
    ['HECHO EN\nMÉXICO', 'MX'],
    ['Prodotto in Italia', 'IT'],
    ['Hergestellt in Österreich', 'AT'],
    ['Fabricado em Portugal', 'PT'],
    ['Developed in the UK, produced in PRC', 'CN'],
    ['MADEINCHINA', 'CN'],
    ['Wyprodukowano w Polsce', 'PL'],
    ['Country of origin: Thailand', 'TH'],
    ['PRQDUIT DE FRANOE', 'FR'],
    ['Wvprodukowano w Polsce', 'PL'],
    ['Hergestelltin Osterrelch', 'AT'],
    ['Origine :              Espagne', 'ES'],
    ['Elaborado en el Perú', 'PE'],
    ['Wine of South Africa', 'ZA'],
    ['Oprindelsesland: Danmark', 'DK'],
    ['Herkunft: Spanien', 'ES'],
    ['Produit français', 'FR'],
    ['Deutsches Erzeugnis', 'DE'],
    ['Paese di origine\nGrecia', 'GR'],
    ['Origine du lait : France', 'FR'],
    ['Origine del latte: Italia', 'IT'],
    ['Paese di coltivazione del grano: Italia', 'IT'],
    ['Origen de la leche: España', 'ES'],
    ['Herkunft der Milch: Österreich', 'AT'],
    ['Origem do leite: Portugal', 'PT'],
    ['Milch aus Deutschland', 'DE'],
    ['Lait français', 'FR'],
    ['Viande bovine française', 'FR'],
    ['100% latte italiano', 'IT'],
    ['Suisse Garantie', 'CH'],
    ['Distilled in Scotland', 'GB'],
    ['Made in Great Britain', 'GB'],
    ['Irish Whiskey', 'IE'],
    ['Product of Bangladesh', 'BD'],
    ['Producto de la República Dominicana', 'DO'],
    ['Produit de Côte d’Ivoire', 'CI'],
    ['Made in Estonia', 'EE'],
    ['Fabriqué en Algérie', 'DZ'],
    ['Herkunftsland: Zypern', 'CY'],
    ['Gebotteld in Nederland', 'NL'],
    ['Kraj pochodzenia: Hiszpania', 'ES'],
  ])('%s is %s', (drawing, code) => {
    expect(values(drawing, 'country_of_origin')).toEqual([code])
  })

  test.each([
    'Imported by Foods Ltd, London, United Kingdom',
    'Beiersdorf AG, Hamburg, Germany',
    'Distributed in France by Aliments SA',
    'Vertrieb in Deutschland: Nährmittel GmbH, Bremen',
    'Made with care',
    '95% of the ingredients are of natural origin',
    'Nouveau : table française',
    'caramel, português: caramelo',
    'Recette française',
    'Origine du lait : UE',
    'Product code 40272',
  ])('an address says nothing: %s', (drawing) => {
    expect(values(drawing, 'country_of_origin')).toEqual([])
  })
})

describe('origin that was spotted in print, not read', () => {
  const corners: PageLine['corners'] = [
    [20, 30],
    [60, 30],
    [60, 70],
    [20, 70],
  ]
  const origins = (drawing: string) =>
    extractFields({ ...pageOf(drawing), heard: [{ phrase: 'madeingermany', corners }] }, { type: null }).fields.filter(
      ({ field }) => field === 'country_of_origin',
    )

  test('is proposed with less confidence, from where it stands', () => {
    expect(origins('ACME\n\n125 g')).toMatchObject([{ value: 'DE', confidence: 0.75, box: [20, 30, 40, 40] }])
  })

  test('is not believed beside one that was read', () => {
    expect(origins('Made in Italy')).toMatchObject([{ value: 'IT', confidence: 0.93 }])
  })
})

describe('labels', () => {
  test.each([
    ['ORGANIC', 'organic'],
    ['Vin de l’agriculture biologique', 'organic'],
    ['DE-ÖKO-006', 'eu-organic'],
    ['Fairtrade', 'fairtrade'],
    ['MIX Packaging FSC C022232', 'fsc'],
    ['Gluten free', 'gluten-free'],
    ['Ohne Gentechnik', 'non-gmo'],
    ['VEGAN', 'vegan'],
    ['Suitable for vegetarians', 'vegetarian'],
    ['Label Rouge', 'label-rouge'],
    ['MSC', 'msc'],
  ])('%s is %s', (drawing, label) => {
    expect(values(drawing, 'certifications')[0]?.split(', ')).toContain(label)
  })

  test.each(['bioavailable calcium', 'organic acids', 'not vegan', 'biodegradable'])('%s is none', (drawing) => {
    expect(values(drawing, 'certifications')).toEqual([])
  })
})

const shifted = (corners: PageLine['corners'], by: number): PageLine['corners'] => {
  const [a, b, c, d] = corners
  return [
    [a[0] + by, a[1]],
    [b[0] + by, b[1]],
    [c[0] + by, c[1]],
    [d[0] + by, d[1]],
  ]
}

describe('brand and name', () => {
  test('a pack of several is said whole and in pieces, before one piece alone', () => {
    const found = values('500 g\n[4x125g]\n\n125 g', 'net_content')
    expect(found.slice(0, 2).toSorted()).toEqual(['4 x 125 g', '500 g'])
  })

  test('a brand of the catalogue is known wherever it stands', () => {
    const drawing = '#MORNING\nwith honey from\nQuinby Mills\nsince 1902'
    expect(values(drawing, 'brand')[0]).toBe('Morning')
    expect(values(drawing, 'brand', { brands: { known: ['Quinby Mills'], ofCompany: [] } })[0]).toBe('Quinby Mills')
  })

  test('brands of the same company prefix come first', () => {
    const drawing = '#CRUNCHY\nQuinby Mills    Ovalia'
    const hints = { known: ['Ovalia', 'Quinby Mills'], ofCompany: ['Quinby Mills'] }
    expect(values(drawing, 'brand', { brands: hints })[0]).toBe('Quinby Mills')
  })

  test('the name is the largest text beside the brand', () => {
    expect(values('#Barilla\n#SPAGHETTI\nn. 5\n500 g', 'product_name', { type: 'front' })).toContain('Spaghetti')
  })

  test('of two that are as large as each other the upper one is the brand', () => {
    const drawing = '#OVALIA\n#Roasted Almonds\nwith sea salt\n150 g'
    expect(values(drawing, 'brand')[0]).toBe('Ovalia')
    expect(values(drawing, 'product_name')[0]).toBe('Roasted Almonds')
  })

  test.each(['#Suitable for vegetarians', '#Sans gluten', '#DE-ÖKO-001', '#FSC Mix', '#Rainforest Alliance Certified'])(
    'a claim or a seal is neither brand nor name: %s',
    (drawing) => {
      expect(values(drawing, 'brand')).toEqual([])
      expect(values(drawing, 'product_name')).toEqual([])
    },
  )

  test('a wine is named by its estate, not by its region', () => {
    const drawing = '#BORDEAUX\nCHATEAU\n#LES ORMES\nMis en bouteille au château\n75 cl'
    expect(values(drawing, 'brand')[0]).toBe('Chateau les Ormes')
  })

  test('what the law calls the region of a wine is not its name, wherever it lies', () => {
    const drawing = '#VAL PERDU\nAppellation Val Perdu contrôlée\n#Moulin Gris\nMis en bouteille à la propriété'
    expect(values(drawing, 'product_name')[0]).toBe('Moulin Gris')
  })

  test('large letters are spelled as smaller print spells them', () => {
    const drawing = '#OVALLA MILLZ\nCrunchy biscuits with oats\nServed by Ovalia Mills since 1902'
    expect(values(drawing, 'brand', { type: 'front' })[0]).toBe('Ovalia Mills')
  })

  test('the lines of a name are one name', () => {
    const drawing = '#Quinby\n#Roasted\n#Almonds\n150 g'
    expect(values(drawing, 'product_name', { type: 'front' })[0]).toBe('Roasted Almonds')
  })

  test('what the edge of the photo cuts is no brand', () => {
    const page = pageOf('#QUINBY\nRoasted almonds')
    const cut = { ...page, lines: page.lines.map((line) => ({ ...line, corners: shifted(line.corners, -20) })) }
    expect(extractFields(cut, { type: 'front' }).fields.filter(({ field }) => field === 'brand')).toEqual([])
  })

  test.each([
    ['Produced and packed by Quinby Mills, Leeds', 'Quinby Mills'],
    ['Fabricado por:\nQuinby', 'Quinby'],
    ['Mis en bouteille par Moulin Gris à 34500 Villeneuve', 'Moulin Gris'],
  ])('%s names the maker', (drawing, expected) => {
    expect(values(`#7\n\n${drawing}`, 'brand')).toContain(expected)
  })

  test('what is said of a product is none of its name', () => {
    const drawing = '#Quinby\n#Croutons\n#made by Ovalia for you'
    expect(values(drawing, 'product_name', { type: 'front' })[0]).toBe('Croutons')
  })

  test('a jar with one label has its name among the small print', () => {
    const drawing =
      '#Quinby\n#CROUTONS\nIngredients: wheat flour, salt, palm oil, yeast.\nStore in a dry place.\nBest before: see lid.\nLot 4711'
    expect(values(drawing, 'product_name')[0]).toBe('Croutons')
  })

  test('a back has no name', () => {
    expect(
      values(
        '#WARNING\nIngredients: water, salt, sugar, citric acid, flavour.\nKeep out of reach of children.',
        'product_name',
        { type: 'back' },
      ),
    ).toEqual([])
  })

  test('a photo of the ingredients says less about the brand', () => {
    const of = (type: FieldContext['type']): number =>
      extractFields(pageOf('#Nivea\nIngredients: Aqua, Glycerin, Parfum, Talc.'), { type }).fields.find(
        ({ field }) => field === 'brand',
      )?.confidence ?? 0
    expect(of('ingredients')).toBeLessThan(of('front'))
  })
})

test('whatever is read, values fit, places lie on the photo and confidence is a share', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'Ingredients:',
      'per 100 g',
      'Energy',
      'Fat',
      '12 g',
      '6 x 330 ml',
      'made in',
      'France',
      '℮',
      '%',
      '1.000.000 kJ',
      '(',
      'organic',
      'Zutaten:',
      'contains',
    ),
    fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  )
  const line = fc
    .array(fc.tuple(word, fc.constantFrom(' ', '   ')), { maxLength: 8 })
    .map((parts) => parts.map(([text, gap]) => text.replace(/\s/g, '_') + gap).join(''))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 14 }), (lines) => {
      const page = pageOf(lines.join('\n'))
      const { fields } = extractFields(page, { type: null })
      for (const { field, value, confidence, box, source } of fields) {
        expect(value.length).toBeLessThanOrEqual(field === 'ingredients' ? 10_000 : 500)
        expect(confidence).toBeGreaterThan(0)
        expect(confidence).toBeLessThan(1)
        expect(source.length).toBeLessThanOrEqual(100)
        if (!box) continue
        const [x, y, width, height] = box
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
        expect(Math.min(width, height)).toBeGreaterThan(0)
        expect(x + width).toBeLessThanOrEqual(page.width)
        expect(y + height).toBeLessThanOrEqual(page.height)
      }
    }),
    { numRuns: 150 },
  )
})
