import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identifierRows } from '#domain/gs1/identifier-table.ts'
import { markFault } from '#domain/gs1/lint-fault.ts'
import { linters } from '#domain/gs1/linters.ts'

/** A check's answer: null, or GS1's error name and the data with the fault between asterisks. */
function lint(name: string, data: string): [string, string] | null {
  const linter = linters.get(name)
  if (linter === undefined) throw new Error(`no linter ${name}`)
  const found = linter(data, 2026)
  return found === null ? null : [found.error, markFault(data, found)]
}

const accepted: Record<string, readonly string[]> = {
  csetnumeric: ['', '0', '9876543210'],
  cset82: ['', 'AZaz09', '!"%&\'()*+,-./:;<=>?_'],
  cset39: ['', 'AZ09', '#-/'],
  cset64: ['', 'Az09-_', 'A', 'AB=', 'A=='],
  csum: ['96385074', '4006381333931', '106141412345678908'],
  csumalpha: ['22', '1987654Ad4X4bL5ttr2310c2K'],
  gcppos1: ['9520', '9520ABC'],
  gcppos2: ['19520', 'X9520ABC'],
  yymmdd: ['260228', '240229', '991231'],
  yymmd0: ['260200', '260228'],
  yyyymmdd: ['20240229', '19000228'],
  yyyymmd0: ['20240200', '20241231'],
  hh: ['00', '23'],
  mi: ['00', '59'],
  ss: ['00', '59'],
  hhmi: ['0000', '2359'],
  iban: ['GB82WEST12345698765432', 'DE89370400440532013000', 'NO9386011117947'],
  importeridx: ['A', 'z', '0', '-', '_'],
  iso3166: ['004', '276', '894'],
  iso3166999: ['276', '999'],
  iso3166alpha2: ['DE', 'AX', 'ZW'],
  iso4217: ['978', '840', '924'],
  iso5218: ['0', '1', '2', '9'],
  latitude: ['0000000000', '1800000000'],
  longitude: ['0000000000', '3600000000'],
  mediatype: ['01', '10', '80', '99'],
  packagetype: ['1A', '8', 'APE', 'ZZ'],
  pcenc: ['', 'plain', 'Caf%C3%A9', '%00'],
  pieceoftotal: ['0102', '0202', '11'],
  posinseqslash: ['1/1', '2/3', '9/10'],
  nonzero: ['1', '010'],
  nozeroprefix: ['', '1', '100'],
  hasnondigit: ['A', '12-3'],
  hyphen: ['-', '--'],
  winding: ['0', '1', '9'],
  yesno: ['0', '1'],
  zero: ['0', '000'],
  couponcode: ['012345612345611110123', '106141410012471011076011110850921108609310123191000'],
  couponposoffer: ['001234561234560123456', '101234561234560123456'],
}

/** Each line: the check, the data, GS1's error name, the data with the fault marked. */
const refused: readonly (readonly [name: string, data: string, error: string, markup: string])[] = [
  ['csetnumeric', '12A4', 'NON_DIGIT_CHARACTER', '12*A*4'],
  ['cset82', 'AB#C', 'INVALID_CSET82_CHARACTER', 'AB*#*C'],
  ['cset82', 'é', 'INVALID_CSET82_CHARACTER', '*é*'],
  ['cset39', 'ABc', 'INVALID_CSET39_CHARACTER', 'AB*c*'],
  ['cset64', 'AB+C', 'INVALID_CSET64_CHARACTER', 'AB*+*C'],
  ['cset64', 'ABC=', 'INVALID_CSET64_PADDING', 'ABC*=*'],
  ['cset64', 'ABC===', 'INVALID_CSET64_PADDING', 'ABC*===*'],
  ['csum', '', 'TOO_SHORT_FOR_CHECK_DIGIT', '**'],
  ['csum', '4006381333932', 'INCORRECT_CHECK_DIGIT', '400638133393*2*'],
  ['csum', '40063813339X1', 'NON_DIGIT_CHARACTER', '40063813339*X*1'],
  ['csumalpha', 'A', 'TOO_SHORT_FOR_CHECK_PAIR', '*A*'],
  ['csumalpha', '1987654Ad4X4bL5ttr2310cXK', 'INCORRECT_CHECK_PAIR', '1987654Ad4X4bL5ttr2310c*XK*'],
  ['csumalpha', '19 7654Ad4X4bL5ttr2310c2K', 'INVALID_CSET82_CHARACTER', '19* *7654Ad4X4bL5ttr2310c2K'],
  ['csumalpha', '1'.repeat(100), 'TOO_LONG_FOR_CHECK_PAIR_IMPLEMENTATION', `*${'1'.repeat(100)}*`],
  ['gcppos1', '952', 'TOO_SHORT_FOR_GCP', '*952*'],
  ['gcppos1', '95A0', 'INVALID_GCP_PREFIX', '95*A*0'],
  ['gcppos2', '1952', 'TOO_SHORT_FOR_GCP', '*1952*'],
  ['gcppos2', '1952A', 'INVALID_GCP_PREFIX', '1952*A*'],
  ['yymmdd', '26022', 'DATE_TOO_SHORT', '*26022*'],
  ['yymmdd', '2602281', 'DATE_TOO_LONG', '*2602281*'],
  ['yymmdd', '261301', 'ILLEGAL_MONTH', '26*13*01'],
  ['yymmdd', '260229', 'ILLEGAL_DAY', '2602*29*'],
  ['yymmdd', '260200', 'ILLEGAL_DAY', '2602*00*'],
  ['yymmdd', '2602x1', 'NON_DIGIT_CHARACTER', '2602*x*1'],
  ['yymmd0', '260431', 'ILLEGAL_DAY', '2604*31*'],
  ['yyyymmdd', '19000229', 'ILLEGAL_DAY', '190002*29*'],
  ['yyyymmd0', '20240099', 'ILLEGAL_MONTH', '2024*00*99'],
  ['hh', '24', 'ILLEGAL_HOUR', '*24*'],
  ['hh', '1', 'HOUR_TOO_SHORT', '*1*'],
  ['mi', '60', 'ILLEGAL_MINUTE', '*60*'],
  ['mi', '000', 'MINUTE_TOO_LONG', '*000*'],
  ['ss', '61', 'ILLEGAL_SECOND', '*61*'],
  ['ss', '5x', 'NON_DIGIT_CHARACTER', '5*x*'],
  ['hhmi', '2400', 'ILLEGAL_HOUR', '*24*00'],
  ['hhmi', '2360', 'ILLEGAL_MINUTE', '23*60*'],
  ['hhmi', '236', 'HOUR_WITH_MINUTE_TOO_SHORT', '*236*'],
  ['hhmi', '23600', 'HOUR_WITH_MINUTE_TOO_LONG', '*23600*'],
  ['iban', 'GB82', 'IBAN_TOO_SHORT', '*GB82*'],
  ['iban', `GB82${'1'.repeat(31)}`, 'IBAN_TOO_LONG', `*GB82${'1'.repeat(31)}*`],
  ['iban', 'QQ82WEST12345698765432', 'ILLEGAL_IBAN_COUNTRY_CODE', '*QQ*82WEST12345698765432'],
  ['iban', 'GB82West12345698765432', 'INVALID_IBAN_CHARACTER', 'GB82W*e*st12345698765432'],
  ['iban', 'GB83WEST12345698765432', 'INCORRECT_IBAN_CHECKSUM', 'GB*83*WEST12345698765432'],
  ['importeridx', '+', 'INVALID_IMPORT_IDX_CHARACTER', '*+*'],
  ['importeridx', 'AB', 'INVALID_IMPORT_IDX_CHARACTER', '*AB*'],
  ['iso3166', '999', 'NOT_ISO3166', '*999*'],
  ['iso3166999', '998', 'NOT_ISO3166_OR_999', '*998*'],
  ['iso3166alpha2', 'de', 'NOT_ISO3166_ALPHA2', '*de*'],
  ['iso4217', '280', 'NOT_ISO4217', '*280*'],
  ['iso5218', '3', 'INVALID_BIOLOGICAL_SEX_CODE', '*3*'],
  ['latitude', '180000000', 'LATITUDE_INVALID_LENGTH', '*180000000*'],
  ['latitude', '1800000001', 'INVALID_LATITUDE', '*1800000001*'],
  ['latitude', '18000x0000', 'NON_DIGIT_CHARACTER', '18000*x*0000'],
  ['longitude', '36000000000', 'LONGITUDE_INVALID_LENGTH', '*36000000000*'],
  ['longitude', '3600000001', 'INVALID_LONGITUDE', '*3600000001*'],
  ['mediatype', '11', 'INVALID_MEDIA_TYPE', '*11*'],
  ['packagetype', 'A', 'INVALID_PACKAGE_TYPE', '*A*'],
  ['pcenc', '100%', 'INVALID_PERCENT_SEQUENCE', '100*%*'],
  ['pcenc', '%20%2x', 'INVALID_PERCENT_SEQUENCE', '%20*%2x*'],
  ['pieceoftotal', '010', 'INVALID_LENGTH_FOR_PIECE_OF_TOTAL', '*010*'],
  ['pieceoftotal', '0001', 'ZERO_PIECE_NUMBER', '*00*01'],
  ['pieceoftotal', '0100', 'ZERO_TOTAL_PIECES', '01*00*'],
  ['pieceoftotal', '0201', 'PIECE_NUMBER_EXCEEDS_TOTAL', '*0201*'],
  ['posinseqslash', '1-3', 'POSITION_IN_SEQUENCE_MALFORMED', '*1-3*'],
  ['posinseqslash', '01/3', 'ILLEGAL_ZERO_PREFIX', '*01*/3'],
  ['posinseqslash', '1/03', 'ILLEGAL_ZERO_PREFIX', '1/*03*'],
  ['posinseqslash', '10/9', 'POSITION_EXCEEDS_END', '*10/9*'],
  ['nonzero', '00', 'ILLEGAL_ZERO_VALUE', '*00*'],
  ['nozeroprefix', '012', 'ILLEGAL_ZERO_PREFIX', '*0*12'],
  ['hasnondigit', '123', 'REQUIRES_NON_DIGIT_CHARACTER', '*123*'],
  ['hyphen', '+', 'NOT_HYPHEN', '*+*'],
  ['winding', '2', 'INVALID_WINDING_DIRECTION', '*2*'],
  ['yesno', '2', 'NOT_ZERO_OR_ONE', '*2*'],
  ['zero', '01', 'NOT_ZERO', '*01*'],
  ['couponcode', '', 'COUPON_MISSING_GCP_VLI', '**'],
  ['couponcode', '7', 'COUPON_INVALID_GCP_LENGTH', '*7*'],
  ['couponcode', '0123', 'COUPON_TRUNCATED_GCP', '0*123*'],
  ['couponcode', '0123456123456', 'COUPON_MISSING_SAVE_VALUE_VLI', '*0123456123456*'],
  ['couponcode', '012345612345611115', 'COUPON_INVALID_1ST_PURCHASE_REQUIREMENT_CODE', '01234561234561111*5*'],
  [
    'couponcode',
    '0123456123456111101231011012',
    'COUPON_TRUNCATED_2ND_PURCHASE_FAMILY_CODE',
    '01234561234561111012310110*12*',
  ],
  [
    'couponcode',
    '012345612345611110123101101230',
    'COUPON_TRUNCATED_2ND_PURCHASE_GCP',
    '*012345612345611110123101101230*',
  ],
  ['couponcode', '0123456123456111101233260230', 'COUPON_INVALID_EXIPIRATION_DATE', '0123456123456111101233*260230*'],
  [
    'couponcode',
    '01234561234561111012332601014260201',
    'COUPON_EXPIRATION_BEFORE_START',
    '012345612345611110123*32601014260201*',
  ],
  ['couponcode', '01234561234561111012361123', 'COUPON_TRUNCATED_RETAILER_GCP_OR_GLN', '01234561234561111012361*123*'],
  ['couponcode', '012345612345611110123903', 'COUPON_INVALID_SAVE_VALUE_APPLIES_TO_ITEM', '01234561234561111012390*3*'],
  ['couponcode', '01234561234561111012300', 'COUPON_EXCESS_DATA', '012345612345611110123*00*'],
  ['couponposoffer', '', 'COUPON_MISSING_FORMAT_CODE', '**'],
  ['couponposoffer', '2', 'COUPON_INVALID_FORMAT_CODE', '*2*'],
  ['couponposoffer', '0', 'COUPON_MISSING_FUNDER_VLI', '*0*'],
  ['couponposoffer', '00123456123456', 'COUPON_MISSING_SERIAL_NUMBER_VLI', '*00123456123456*'],
  ['couponposoffer', '0012345612345601234567', 'COUPON_EXCESS_DATA', '001234561234560123456*7*'],
]

describe('a content check', () => {
  it.each(Object.entries(accepted))('%s accepts what is right', (name, list) => {
    for (const data of list) expect([data, lint(name, data)]).toEqual([data, null])
  })

  it.each(refused)('%s refuses %j with %s', (name, data, error, markup) => {
    expect(lint(name, data)).toEqual([error, markup])
  })

  it('of every name is tried both ways', () => {
    const names = [...linters.keys()].toSorted()
    expect(Object.keys(accepted).toSorted()).toEqual(names)
    expect([...new Set(refused.map(([name]) => name))].toSorted()).toEqual(names)
  })

  it('that the table names exists', () => {
    const used = identifierRows.flatMap(([, format]) => format.split(' ').flatMap((part) => part.split(':').slice(1)))
    expect(used.filter((name) => !linters.has(name))).toEqual([])
  })

  it('answers any text without throwing, with a fault inside it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...linters.keys()),
        fc.oneof(fc.string(), fc.stringMatching(/^\d{0,40}$/)),
        (name, data) => {
          const found = linters.get(name)?.(data, 2026) ?? null
          if (found === null) return
          expect(found.at >= 0 && found.length >= 0 && found.at + found.length <= data.length).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
