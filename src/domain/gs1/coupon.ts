import { daysInMonth, resolveYear } from './dates.ts'
import { fault, nonDigit, whole, type LintFault } from './lint-fault.ts'

/** Thrown inside this file only, to leave a deep reading at the first fault; never escapes. */
class CouponFault extends Error {
  readonly found: LintFault
  constructor(found: LintFault) {
    super(found.error)
    this.found = found
  }
}

/** Walks through a coupon's digits; each step names the error it can end in, without GS1's prefix `COUPON_`. */
class CouponReader {
  private readonly data: string
  private at = 0

  constructor(data: string) {
    this.data = data
  }

  get position(): number {
    return this.at
  }

  fail(error: string, at: number, length: number): never {
    throw new CouponFault(fault(`COUPON_${error}`, at, length))
  }

  /** One digit out of `allowed`. Nothing left is a fault of the whole. */
  digit(allowed: string, missing: string, invalid: string): string {
    const digit = this.data.charAt(this.at)
    if (digit === '') this.fail(missing, 0, this.data.length)
    if (!allowed.includes(digit)) this.fail(invalid, this.at, 1)
    this.at++
    return digit
  }

  /** Exactly `length` digits. */
  digits(length: number, truncated: string): string {
    const value = this.data.slice(this.at, this.at + length)
    if (value.length < length) {
      if (value === '') this.fail(truncated, 0, this.data.length)
      this.fail(truncated, this.at, value.length)
    }
    this.at += length
    return value
  }

  /** A length digit and then as many digits, plus `base`. The digit 9 stands for nothing when `noneAllowed`. */
  counted(
    allowed: string,
    base: number,
    missing: string,
    invalid: string,
    truncated: string,
    noneAllowed = false,
  ): void {
    const indicator = this.digit(allowed, missing, invalid)
    this.digits(noneAllowed && indicator === '9' ? 0 : Number(indicator) + base, truncated)
  }

  /** Whether the optional field with this number comes next; steps into it if so. */
  field(number: string): boolean {
    if (this.data.charAt(this.at) !== number) return false
    this.at++
    return true
  }

  end(): void {
    if (this.at < this.data.length) this.fail('EXCESS_DATA', this.at, this.data.length - this.at)
  }
}

function lint(data: string, read: (reader: CouponReader) => void): LintFault | null {
  const wrong = nonDigit(data)
  if (wrong !== null) return wrong
  try {
    read(new CouponReader(data))
    return null
  } catch (error) {
    if (error instanceof CouponFault) return error.found
    throw error
  }
}

function readPurchase(reader: CouponReader, ordinal: '1ST' | '2ND' | '3RD'): void {
  const name = `${ordinal}_PURCHASE`
  reader.counted(
    '12345',
    0,
    `MISSING_${name}_REQUIREMENT_VLI`,
    `INVALID_${name}_REQUIREMENT_LENGTH`,
    `TRUNCATED_${name}_REQUIREMENT`,
  )
  reader.digit('012349', `MISSING_${name}_REQUIREMENT_CODE`, `INVALID_${name}_REQUIREMENT_CODE`)
  reader.digits(3, `TRUNCATED_${name}_FAMILY_CODE`)
  if (ordinal === '1ST') return
  reader.counted('01234569', 6, `MISSING_${name}_GCP_VLI`, `INVALID_${name}_GCP_LENGTH`, `TRUNCATED_${name}_GCP`, true)
}

function readCouponDate(reader: CouponReader, currentYear: number, truncated: string, invalid: string): string {
  const date = reader.digits(6, truncated)
  const month = Number(date.slice(2, 4))
  const day = Number(date.slice(4))
  const year = resolveYear(Number(date.slice(0, 2)), currentYear)
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) reader.fail(invalid, reader.position - 6, 6)
  return date
}

/**
 * Checks a North American coupon code, AI (8110): company prefix, offer, save value, first purchase, then optional fields
 * 1 (second purchase), 2 (third), 3 (expiry), 4 (start), 5 (serial number), 6 (retailer) and 9 (flags), in this order.
 */
export function lintCouponCode(data: string, currentYear: number): LintFault | null {
  return lint(data, (reader) => {
    reader.counted('0123456', 6, 'MISSING_GCP_VLI', 'INVALID_GCP_LENGTH', 'TRUNCATED_GCP')
    reader.digits(6, 'TRUNCATED_OFFER_CODE')
    reader.counted('12345', 0, 'MISSING_SAVE_VALUE_VLI', 'INVALID_SAVE_VALUE_LENGTH', 'TRUNCATED_SAVE_VALUE')
    readPurchase(reader, '1ST')
    if (reader.field('1')) {
      reader.digit('0123', 'MISSING_ADDITIONAL_PURCHASE_RULES_CODE', 'INVALID_ADDITIONAL_PURCHASE_RULES_CODE')
      readPurchase(reader, '2ND')
    }
    if (reader.field('2')) readPurchase(reader, '3RD')
    let expiry = ''
    if (reader.field('3')) {
      // The misspelling is GS1's.
      expiry = readCouponDate(reader, currentYear, 'TOO_SHORT_FOR_EXPIRATION_DATE', 'INVALID_EXIPIRATION_DATE')
    }
    if (reader.field('4')) {
      const start = readCouponDate(reader, currentYear, 'TOO_SHORT_FOR_START_DATE', 'INVALID_START_DATE')
      if (expiry !== '' && start > expiry) reader.fail('EXPIRATION_BEFORE_START', reader.position - 14, 14)
    }
    if (reader.field('5')) {
      reader.counted('0123456789', 6, 'MISSING_SERIAL_NUMBER_VLI', '', 'TRUNCATED_SERIAL_NUMBER')
    }
    if (reader.field('6')) {
      const retailer = 'RETAILER_GCP_OR_GLN'
      reader.counted('1234567', 6, `MISSING_${retailer}_VLI`, `INVALID_${retailer}_LENGTH`, `TRUNCATED_${retailer}`)
    }
    if (reader.field('9')) {
      reader.digit('01256', 'MISSING_SAVE_VALUE_CODE', 'INVALID_SAVE_VALUE_CODE')
      reader.digit('012', 'MISSING_SAVE_VALUE_APPLIES_TO_ITEM', 'INVALID_SAVE_VALUE_APPLIES_TO_ITEM')
      reader.digit('0123456789', 'MISSING_STORE_COUPON_FLAG', '')
      reader.digit('01', 'MISSING_DONT_MULTIPLY_FLAG', 'INVALID_DONT_MULTIPLY_FLAG')
    }
    reader.end()
  })
}

/** Checks a positive offer file coupon code, AI (8112): format, funder, offer code, serial number. */
export function lintPositiveOffer(data: string): LintFault | null {
  return data === ''
    ? whole('COUPON_MISSING_FORMAT_CODE', data)
    : lint(data, (reader) => {
        reader.digit('01', 'MISSING_FORMAT_CODE', 'INVALID_FORMAT_CODE')
        reader.counted('0123456', 6, 'MISSING_FUNDER_VLI', 'INVALID_FUNDER_LENGTH', 'TRUNCATED_FUNDER')
        reader.digits(6, 'TRUNCATED_OFFER_CODE')
        reader.counted('0123456789', 6, 'MISSING_SERIAL_NUMBER_VLI', '', 'TRUNCATED_SERIAL_NUMBER')
        reader.end()
      })
}
