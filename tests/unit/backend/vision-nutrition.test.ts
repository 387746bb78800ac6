import { describe, expect, test } from 'vitest'
import { extractFields } from '#backend/vision/fields/extract-fields.ts'
import type { ExtractedField } from '#backend/vision/vision.ts'
import { pageOf } from './text-page.ts'

function tables(drawing: string): {
  hundred?: Record<string, number>
  serving?: Record<string, number>
  fields: ExtractedField[]
} {
  const { fields } = extractFields(pageOf(drawing), { type: 'nutrition' })
  const of = (field: ExtractedField['field']): Record<string, number> | undefined => {
    const found = fields.find((one) => one.field === field)
    if (found?.data?.kind !== 'nutrition') return undefined
    return Object.fromEntries(Object.entries(found.data.cells).map(([name, { amount }]) => [name, amount]))
  }
  const [hundred, serving] = [of('nutrition_per_100'), of('nutrition_per_serving')]
  return { ...(hundred ? { hundred } : {}), ...(serving ? { serving } : {}), fields }
}

describe('energy', () => {
  test.each([
    'Energie  1046 kJ/250 kcal',
    'Energie  1046kJ/250kcal',
    'Energie  250 kcal/1046 kJ',
    'Energie (kJ/kcal)  1046/250',
    'Energie (kcal/kJ)  250/1046',
    'Energia  kJ 1046 / kcal 250',
    'Energia kJ 1046 kcal 250',
    'Energie  1.046 kJ/250 kcal',
    'Energie  1 046 kJ / 250 kcal',
  ])('is known however its two units are written: %s', (row) => {
    const { hundred } = tables(`
Valeurs nutritionnelles pour 100 g
${row}
Matières grasses   3,2 g
Glucides           43 g
Protéines          9,4 g
Sel                1,1 g
`)
    expect(hundred).toEqual({ energy_kj: 1046, energy_kcal: 250, fat: 3.2, carbohydrate: 43, protein: 9.4, salt: 1.1 })
  })

  test('stands in two columns of two units each', () => {
    const { hundred, serving } = tables(`
Valeurs nutritionnelles  Pour 100 g       Par portion de 125 g
Energie                  397 kJ/94 kcal   496 kJ/118 kcal
Matières grasses         2,9 g            3,6 g
Glucides                 13,2 g           16,5 g
Protéines                3,6 g            4,5 g
`)
    expect(hundred).toMatchObject({ energy_kj: 397, energy_kcal: 94, protein: 3.6 })
    expect(serving).toMatchObject({ energy_kj: 496, energy_kcal: 118, protein: 4.5 })
  })

  test('of 100 g is no second amount', () => {
    const { hundred } = tables('Energy 1046 kJ/100 g\nFat 3.2 g\nCarbohydrate 43 g\nProtein 9.4 g')
    expect(hundred).toMatchObject({ energy_kj: 1046, fat: 3.2 })
    expect(hundred).not.toHaveProperty('energy_kcal')
  })
})

describe('nutrition tables', () => {
  test('a British table has two columns, and the reference intake is left out', () => {
    const { hundred, serving } = tables(`
Nutrition           per 100g       per 30g serving   %RI*
Energy              1584kJ         475kJ             6%
                    376kcal        113kcal           6%
Fat                 4.5g           1.4g              2%
of which saturates  0.9g           0.3g              2%
Carbohydrate        68g            20g               8%
of which sugars     21g            6.3g              7%
Fibre               9.0g           2.7g
Protein             11g            3.3g              7%
Salt                0.75g          0.23g             4%
`)
    expect(hundred).toEqual({
      energy_kj: 1584,
      energy_kcal: 376,
      fat: 4.5,
      saturated_fat: 0.9,
      carbohydrate: 68,
      sugars: 21,
      fibre: 9,
      protein: 11,
      salt: 0.75,
    })
    expect(serving).toMatchObject({ energy_kj: 475, energy_kcal: 113, fat: 1.4, saturated_fat: 0.3, salt: 0.23 })
  })

  test('a German table has decimal commas, both energies in one cell and less than', () => {
    const { hundred, fields } = tables(`
Durchschnittliche Nährwerte   pro 100 g
Brennwert                     2252 kJ / 539 kcal
Fett                          30,9 g
- davon gesättigte Fettsäuren  10,6 g
Kohlenhydrate                 57,5 g
- davon Zucker                56,3 g
Eiweiß                        6,3 g
Salz                          <0,11 g
`)
    expect(hundred).toEqual({
      energy_kj: 2252,
      energy_kcal: 539,
      fat: 30.9,
      saturated_fat: 10.6,
      carbohydrate: 57.5,
      sugars: 56.3,
      protein: 6.3,
      salt: 0.11,
    })
    expect(fields.find(({ field }) => field === 'nutrition_per_100')?.value).toContain('salt <0.11 g')
  })

  test.each([
    [
      'French',
      `
Valeurs nutritionnelles moyennes  pour 100 g
Énergie                  1046 kJ / 250 kcal
Matières grasses         10 g
dont acides gras saturés  6,1 g
Glucides                 32 g
dont sucres              14 g
Fibres alimentaires      2,5 g
Protéines                6,8 g
Sel                      0,9 g
`,
    ],
    [
      'Italian',
      `
Valori nutrizionali medi  per 100 g
Energia                  1046 kJ / 250 kcal
Grassi                   10 g
di cui acidi grassi saturi  6,1 g
Carboidrati              32 g
di cui zuccheri          14 g
Fibre                    2,5 g
Proteine                 6,8 g
Sale                     0,9 g
`,
    ],
    [
      'Spanish',
      `
Información nutricional  por 100 g
Valor energético         1046 kJ / 250 kcal
Grasas                   10 g
de las cuales saturadas  6,1 g
Hidratos de carbono      32 g
de los cuales azúcares   14 g
Fibra alimentaria        2,5 g
Proteínas                6,8 g
Sal                      0,9 g
`,
    ],
    [
      'Portuguese',
      `
Declaração nutricional   por 100 g
Energia                  1046 kJ / 250 kcal
Lípidos                  10 g
dos quais saturados      6,1 g
Hidratos de carbono      32 g
dos quais açúcares       14 g
Fibra                    2,5 g
Proteínas                6,8 g
Sal                      0,9 g
`,
    ],
    [
      'Dutch',
      `
Voedingswaarde           per 100 g
Energie                  1046 kJ / 250 kcal
Vetten                   10 g
waarvan verzadigd        6,1 g
Koolhydraten             32 g
waarvan suikers          14 g
Vezels                   2,5 g
Eiwitten                 6,8 g
Zout                     0,9 g
`,
    ],
    [
      'Polish',
      `
Wartość odżywcza         w 100 g
Wartość energetyczna     1046 kJ / 250 kcal
Tłuszcz                  10 g
w tym kwasy tłuszczowe nasycone  6,1 g
Węglowodany              32 g
w tym cukry              14 g
Błonnik                  2,5 g
Białko                   6,8 g
Sól                      0,9 g
`,
    ],
    [
      'Swedish',
      `
Näringsvärde             per 100 g
Energi                   1046 kJ / 250 kcal
Fett                     10 g
varav mättat fett        6,1 g
Kolhydrat                32 g
varav sockerarter        14 g
Kostfiber                2,5 g
Protein                  6,8 g
Salt                     0,9 g
`,
    ],
  ])('a %s table is read like any other', (_language, drawing) => {
    expect(tables(drawing).hundred).toEqual({
      energy_kj: 1046,
      energy_kcal: 250,
      fat: 10,
      saturated_fat: 6.1,
      carbohydrate: 32,
      sugars: 14,
      fibre: 2.5,
      protein: 6.8,
      salt: 0.9,
    })
  })

  test('drinks are per 100 ml', () => {
    const { fields } = tables(`
Nutrition information  per 100 ml
Energy                 180 kJ / 42 kcal
Fat                    0 g
Carbohydrate           10.6 g
of which sugars        10.6 g
Protein                0 g
Salt                   0 g
`)
    expect(fields.find(({ field }) => field === 'nutrition_per_100')?.data).toMatchObject({ per: '100 ml' })
  })

  test('Nutrition Facts are per serving, and added sugars stand behind their amount', () => {
    const { hundred, serving, fields } = tables(`
#Nutrition Facts
8 servings per container
Serving size           2/3 cup (55g)
Amount per serving
#Calories    230
% Daily Value*
Total Fat 8g           10%
Saturated Fat 1g       5%
Trans Fat 0g
Cholesterol 0mg        0%
Sodium 160mg           7%
Total Carbohydrate 37g  13%
Dietary Fiber 4g       14%
Total Sugars 12g
Includes 10g Added Sugars  20%
Protein 3g
Vitamin D 2mcg         10%
Calcium 260mg          20%
`)
    expect(hundred).toBeUndefined()
    expect(serving).toEqual({
      energy_kcal: 230,
      fat: 8,
      saturated_fat: 1,
      trans_fat: 0,
      cholesterol: 0,
      sodium: 160,
      carbohydrate: 37,
      fibre: 4,
      sugars: 12,
      added_sugars: 10,
      protein: 3,
    })
    expect(fields.find(({ field }) => field === 'serving_size')?.value).toBe('55 g')
  })

  test('of two American columns the one per container is left out', () => {
    const { serving } = tables(`
Serving size  1 cup (255g)
              Per serving       Per container
Calories      220               440
              % DV*             % DV*
Total Fat     5g     6%         10g    13%
Sodium        240mg  10%        480mg  21%
Total Carb.   35g    13%        70g    25%
Protein       9g                18g
`)
    expect(serving).toEqual({ energy_kcal: 220, fat: 5, sodium: 240, carbohydrate: 35, protein: 9 })
  })

  test('a Canadian table in two languages is one table', () => {
    const { serving } = tables(`
Nutrition Facts
Valeur nutritive
Per 1 cup (250 mL) / pour 1 tasse (250 mL)
Calories 110                    % Daily Value* / % valeur quotidienne*
Fat / Lipides 0 g               0 %
Saturated / saturés 0 g         0 %
Carbohydrate / Glucides 26 g
Fibre / Fibres 0 g              0 %
Sugars / Sucres 22 g            22 %
Protein / Protéines 2 g
Sodium 10 mg                    1 %
`)
    expect(serving).toEqual({
      energy_kcal: 110,
      fat: 0,
      saturated_fat: 0,
      carbohydrate: 26,
      fibre: 0,
      sugars: 22,
      protein: 2,
      sodium: 10,
    })
  })

  test('a table set as running text is read in its order', () => {
    const { hundred } = tables(`
Nährwertangaben pro 100 g: Energie 1500 kJ / 357 kcal, Fett 7,2 g, davon gesättigte
Fettsäuren 1,1 g, Kohlenhydrate 58 g, davon Zucker 1,0 g, Ballaststoffe 10 g,
Eiweiß 13 g, Salz 0,02 g
`)
    expect(hundred).toMatchObject({
      energy_kj: 1500,
      energy_kcal: 357,
      fat: 7.2,
      carbohydrate: 58,
      sugars: 1,
      fibre: 10,
      protein: 13,
      salt: 0.02,
    })
  })

  test('amounts whose zero was read as a letter are zeros', () => {
    expect(
      tables('per 100 g\nEnergy  100 kJ / 24 kcal\nFat  Og\nCarbohydrate  5g\nProtein  1g\nSalt  O.1g').hundred,
    ).toMatchObject({ fat: 0, salt: 0.1 })
  })

  test('a broken sum costs confidence and is named', () => {
    const drawing = (fat: string): string => `
Nutrition   per 100 g
Energy      1046 kJ / 250 kcal
Fat         ${fat}
of which saturates  6.1 g
Carbohydrate  32 g
of which sugars  14 g
Protein     6.8 g
Salt        0.9 g
`
    const [right] = tables(drawing('10 g')).fields.filter(({ field }) => field === 'nutrition_per_100')
    const [wrong] = tables(drawing('1.0 g')).fields.filter(({ field }) => field === 'nutrition_per_100')
    expect(wrong!.confidence).toBeLessThan(right!.confidence - 0.2)
    expect(wrong!.reasoning).toContain('the table says 250')
    expect(wrong!.reasoning).toContain('More saturated fat than fat')
  })

  test('an ingredient list with amounts is no table', () => {
    expect(
      tables('Ingredients: water, sugar 12%, milk protein, salt, vegetable fat (palm), emulsifier.').fields.filter(
        ({ field }) => field.startsWith('nutrition'),
      ),
    ).toEqual([])
  })
})
