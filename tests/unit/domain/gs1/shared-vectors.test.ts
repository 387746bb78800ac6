import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { identifierRows } from '#domain/gs1/identifier-table.ts'
import { applicationIdentifiers, findIdentifier } from '#domain/gs1/application-identifiers.ts'
import { escapeComponent, generateDigitalLink, parseDigitalLink, unescapeComponent } from '#domain/gs1/digital-link.ts'
import { parseBracketed, parseElementString, toElementString, type ElementsResult } from '#domain/gs1/element-string.ts'
import { markFault } from '#domain/gs1/lint-fault.ts'
import { linters } from '#domain/gs1/linters.ts'
import { generateScanData, processScanData, type Carrier } from '#domain/gs1/scan-data.ts'
import { expandUpcE, normaliseGtin } from '#domain/gtin.ts'
import { readScan } from '#domain/scan.ts'
import { fromShortUuid, toShortUuid } from '#domain/shortuuid.ts'

/**
 * GS1's own test values, which are not part of the project: without them this file is skipped, and the other tests of this
 * folder hold the rules with values of our own.
 */
const folder = new URL('../../../../../shared/data/gs1/', import.meta.url)
const present = existsSync(folder)
if (!present) console.warn('GS1 test values: skipped, ../shared/data/gs1 is not there')

const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const cases = <T>(name: string): T[] => (present ? (JSON.parse(text(`${name}.json`)) as { cases: T[] }).cases : [])

const now = new Date('2026-01-27T12:00:00Z')

interface Options {
  readonly permitUnknownAIs?: boolean
  readonly permitConvenienceAlphas?: boolean
  readonly permitZeroSuppressedGTINinDLuris?: boolean
  readonly addCheckDigit?: boolean
}

const readOptions = (options: Options = {}) => ({ now, permitUnknownAis: options.permitUnknownAIs ?? false })

const written = (result: ElementsResult): string => (result.ok ? toElementString(result.elements) : '')

describe.skipIf(!present)("GS1's own test values", () => {
  it('reads and refuses every bracketed form', () => {
    for (const { ok, input, elementString } of cases<{ ok: boolean; input: string; elementString: string }>(
      'ai-parse-bracketed',
    )) {
      const result = parseBracketed(input, readOptions())
      expect({ input, ok: result.ok, elementString: written(result) }).toEqual({ input, ok, elementString })
    }
  })

  it('reads and refuses every unbracketed element string', () => {
    for (const { ok, elementString, options } of cases<{ ok: boolean; elementString: string; options?: Options }>(
      'ai-process-unbracketed',
    )) {
      const result = parseElementString(elementString, readOptions(options))
      expect({ elementString, ok: result.ok }).toEqual({ elementString, ok })
      if (result.ok) expect(toElementString(result.elements)).toBe(elementString.replace(/(?!^)\^$/, ''))
    }
  })

  it('marks the part at fault', () => {
    for (const { input, markup } of cases<{ input: string; markup: string }>('ai-error-markup')) {
      const result = parseBracketed(input, readOptions())
      expect({ input, markup: result.ok ? null : result.error.markup }).toEqual({ input, markup })
    }
  })

  it('judges which AIs may and must be together', () => {
    for (const { ok, input, options } of cases<{ ok: boolean; input: string; options?: Options }>('ai-associations')) {
      const result = parseBracketed(input, readOptions(options))
      expect({ input, ok: result.ok && result.missing.length === 0 }).toEqual({ input, ok })
    }
  })

  it('reads and refuses every Digital Link', () => {
    for (const { ok, uri, elementString, options } of cases<{
      ok: boolean
      uri: string
      elementString: string
      options?: Options
    }>('dl-parse')) {
      const result = parseDigitalLink(uri, {
        ...readOptions(options),
        permitConvenienceAlphas: options?.permitConvenienceAlphas ?? false,
        permitZeroSuppressedGtins: options?.permitZeroSuppressedGTINinDLuris ?? false,
      })
      const actual = result.ok ? toElementString(result.elements) : ''
      expect({ uri, ok: result.ok, elementString: actual }).toEqual({ uri, ok, elementString })
    }
  })

  it('writes every Digital Link', () => {
    for (const { ok, stem, input, uri } of cases<{ ok: boolean; stem: string | null; input: string; uri: string }>(
      'dl-generate',
    )) {
      const read = parseBracketed(input, readOptions())
      expect({ input, ok: read.ok }).toEqual({ input, ok: true })
      const link = read.ok ? generateDigitalLink(read.elements, stem ?? undefined) : null
      expect({ input, ok: link?.ok, uri: link?.ok === true ? link.uri : '' }).toEqual({ input, ok, uri })
    }
  })

  it('encodes and decodes URI components', () => {
    for (const { input, path, query } of cases<{ input: string; path: string; query: string }>('dl-uri-escape')) {
      expect([input, escapeComponent(input, 'path'), escapeComponent(input, 'query')]).toEqual([input, path, query])
    }
    for (const { input, path, query } of cases<{ input: string; path: string; query: string }>('dl-uri-unescape')) {
      const decoded = [unescapeComponent(input, 'path') ?? '', unescapeComponent(input, 'query') ?? '']
      expect([input, ...decoded]).toEqual([input, path, query])
    }
  })

  it('reads and refuses every transmission', () => {
    for (const { ok, scanData, symbology, dataStr } of cases<{
      ok: boolean
      scanData: string
      symbology: string
      dataStr: string
    }>('scandata-process')) {
      const result = processScanData(scanData, { now })
      const actual = result.ok ? [result.carrier, result.content] : ['NONE', '']
      expect([scanData, result.ok, ...actual]).toEqual([scanData, ok, symbology, dataStr])
      // The door for devices must agree wherever it is as strict: with GS1 data and retail codes.
      if (ok && dataStr.startsWith('^')) expect(readScan({ data: scanData }, { now }).elementString).toBe(dataStr)
      if (!ok && /^\][CEeJQd][01234]/.test(scanData) && !scanData.startsWith(']Q1')) {
        expect(readScan({ data: scanData }, { now }).error).not.toBeNull()
      }
    }
  })

  it('writes every transmission', () => {
    for (const { symbology, input, scanData, options } of cases<{
      symbology: string
      input: string
      scanData: string | null
      options?: Options
    }>('scandata-generate')) {
      // NONE is no carrier: the type does not allow it.
      if (symbology === 'NONE') continue
      const actual = generateScanData(symbology as Carrier, input, {
        now,
        addCheckDigit: options?.addCheckDigit ?? false,
      })
      expect({ symbology, input, scanData: actual }).toEqual({ symbology, input, scanData })
    }
  })

  it('finds what each content check finds, where it finds it', () => {
    const all = JSON.parse(text('linters.json')) as {
      linters: Record<string, { ok: boolean; data: string; error?: string; markup?: string }[]>
    }
    let count = 0
    for (const [name, list] of Object.entries(all.linters)) {
      const linter = linters.get(name)
      for (const { data, error, markup } of list) {
        count++
        const found = linter?.(data, 2026)
        const actual = found === null || found === undefined ? [found] : [found.error, markFault(data, found)]
        expect([name, data, ...actual]).toEqual([name, data, ...(error === undefined ? [null] : [error, markup])])
      }
    }
    expect(count).toBeGreaterThan(3000)
  })

  it('expands UPC-E and encodes short UUIDs', () => {
    for (const { upce, upca, gtin14 } of cases<{ upce: string; upca: string; gtin14: string }>('upce')) {
      expect([upce, expandUpcE(upce), normaliseGtin(upca)]).toEqual([upce, upca, gtin14])
    }
    for (const { upce } of (JSON.parse(text('upce.json')) as { invalid: { upce: string }[] }).invalid) {
      expect([upce, expandUpcE(upce)]).toEqual([upce, null])
    }
    for (const { uuid, short } of cases<{ uuid: string; short: string }>('shortuuid')) {
      expect([toShortUuid(uuid), fromShortUuid(short)]).toEqual([short, uuid])
    }
  })

  it('has exactly the identifiers of the dictionary, with all they say', () => {
    const own = new Map(identifierRows.map((row) => [row[0], row]))
    let count = 0
    for (const line of text('gs1-syntax-dictionary-2026-01-27.txt').split('\n')) {
      if (line === '' || line.startsWith('#')) continue
      const [definition = '', title = ''] = line.split(/\s+#\s(.*)$/)
      const [range = '', ...rest] = definition.trim().split(/\s+/)
      const flags = /^[*?]+$/.test(rest[0] ?? '') ? (rest.shift() ?? '') : ''
      const format = rest.filter((token) => /^\[?[NXYZ](\.\.)?\d/.test(token)).join(' ')
      const values = (key: string) =>
        rest.filter((token) => token.startsWith(key)).map((token) => token.slice(key.length))
      const keys = rest.filter((token) => token === 'dlpkey' || token.startsWith('dlpkey='))

      const [, ownFormat, ownTitle, rules = {}] = own.get(range) ?? ['', '', '']
      const needs = typeof rules.needs === 'string' ? [rules.needs] : (rules.needs ?? [])
      expect([range, ownFormat, ownTitle, needs, rules.not, rules.key]).toEqual([
        range,
        format.replaceAll(',', ':'),
        title,
        values('req='),
        values('ex=')[0],
        keys[0]?.replace(/^dlpkey=?/, ''),
      ])
      const [first = '', last = first] = range.split('-')
      for (let number = Number(first); number <= Number(last); number++) {
        const identifier = findIdentifier(String(number).padStart(first.length, '0'))
        expect([range, identifier?.predefinedLength, identifier?.linkAttribute]).toEqual([
          range,
          flags.includes('*'),
          flags.includes('?'),
        ])
        count++
      }
    }
    expect(applicationIdentifiers.size).toBe(count)
    expect(count).toBe(541)
  })
})
