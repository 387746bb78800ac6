import { describe, expect, it } from 'vitest'
import { symbologies } from '#contract/symbology.ts'
import { leadingAim, symbologyOfAim, symbologyOfFormat, toScanType } from '#domain/symbology.ts'

describe('an AIM identifier', () => {
  it.each([
    [']C0', 'code128'],
    [']C1', 'gs1_128'],
    [']d1', 'datamatrix'],
    [']d2', 'gs1_datamatrix'],
    [']d5', 'gs1_datamatrix'],
    [']Q1', 'qr'],
    [']Q3', 'gs1_qr'],
    [']Q4', 'gs1_qr'],
    [']J0', 'dotcode'],
    [']J1', 'gs1_dotcode'],
    [']z0', 'aztec'],
    [']z1', 'gs1_aztec'],
    [']E0', 'ean13'],
    [']E4', 'ean8'],
    [']A0', 'code39'],
    [']F0', 'codabar'],
    [']G0', 'code93'],
    [']I0', 'itf'],
    [']L0', 'pdf417'],
    [']U1', 'maxicode'],
    [']X0', 'unknown'],
    ['', 'unknown'],
  ] as const)('%s means %s', (aim, symbology) => {
    expect(symbologyOfAim(aim)).toBe(symbology)
  })

  it('needs the data to tell ITF-14 and a plain DataBar', () => {
    expect(symbologyOfAim(']I1', '10012345678902')).toBe('itf14')
    expect(symbologyOfAim(']I1', '123456')).toBe('itf')
    expect(symbologyOfAim(']e0', '0110012345678902')).toBe('databar')
    expect(symbologyOfAim(']e0', '0110012345678902' + '10A')).toBe('databar_expanded')
  })

  it('is split off the data only when it is one', () => {
    expect(leadingAim(']C1010')).toBe(']C1')
    expect([']', ']C', 'C1', ']hello', ']?1', ''].map(leadingAim)).toEqual([null, null, null, null, null, null])
  })
})

describe("a decoder's format name", () => {
  it.each([
    ['EAN13', 'ean13'],
    ['EAN-13', 'ean13'],
    ['ean_8', 'ean8'],
    ['UPCA', 'upca'],
    ['UPC-E', 'upce'],
    ['ISBN', 'ean13'],
    ['QRCode', 'qr'],
    ['qr_code', 'qr'],
    ['MicroQRCode', 'micro_qr'],
    ['rMQRCode', 'rmqr'],
    ['DataMatrix', 'datamatrix'],
    ['Data Matrix', 'datamatrix'],
    ['Code128', 'code128'],
    ['CODE_39', 'code39'],
    ['ITF', 'itf'],
    ['ITF14', 'itf14'],
    ['DataBarOmni', 'databar'],
    ['DataBarLtd', 'databar_limited'],
    ['DataBarExp', 'databar_expanded'],
    ['DataBarExpStk', 'databar_expanded'],
    ['PDF417', 'pdf417'],
    ['MicroPDF417', 'micro_pdf417'],
    ['AztecRune', 'aztec'],
    ['TelepenNumeric', 'telepen'],
    ['DXFilmEdge', 'dx_film_edge'],
    ['MaxiCode', 'maxicode'],
    ['EAN/UPC', 'ean13'],
    ['None', 'unknown'],
  ] as const)('%s means %s', (format, symbology) => {
    expect(symbologyOfFormat(format)).toBe(symbology)
  })

  it('becomes the GS1 variant when the identifier says so', () => {
    expect(symbologyOfFormat('Code128', ']C1')).toBe('gs1_128')
    expect(symbologyOfFormat('QRCode', ']Q3')).toBe('gs1_qr')
    expect(symbologyOfFormat('DataMatrix', ']d1')).toBe('datamatrix')
    expect(symbologyOfFormat('DataBarExp', ']e0')).toBe('databar_expanded')
    expect(symbologyOfFormat('UPCE', ']E0')).toBe('upce')
    expect(symbologyOfFormat('something new', ']Q1')).toBe('qr')
  })
})

describe('the word for the Scan API', () => {
  it('exists for every symbology, and is "text" where the API has none', () => {
    const words = Object.fromEntries(symbologies.map((symbology) => [symbology, toScanType(symbology)]))
    expect(words).toMatchObject({
      ean13: 'ean13',
      ean8: 'ean8',
      upca: 'upca',
      upce: 'text',
      itf14: 'itf14',
      itf: 'text',
      gs1_128: 'code128',
      gs1_qr: 'qrcode',
      gs1_datamatrix: 'datamatrix',
      databar: 'text',
      gs1_dotcode: 'text',
      nfc: 'nfc',
      manual: 'manual',
      unknown: 'text',
    })
  })
})
