/** `I` before a vehicle identification number is its data identifier in ANSI MH10.8.2: import labels carry it in their bars only. */
const marked = /^I(?<vehicle>[A-HJ-NPR-Z0-9]{17})$/

const weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2] as const
/** The values of the letters A to Z in ISO 3779's sum; `I`, `O` and `Q` are in no vehicle number. */
const values = '12345678.12345.7.923456789'

/**
 * The text of a Code 39 without the import mark that vehicle labels carry and do not print.
 *
 * Only where 17 characters follow that are a vehicle identification number with a right check digit; any other text
 * stays as it is.
 */
export function withoutImportMark(text: string): string {
  const vehicle = marked.exec(text)?.groups?.['vehicle']
  return vehicle !== undefined && isVehicleNumber(vehicle) ? vehicle : text
}

function isVehicleNumber(text: string): boolean {
  let sum = 0
  for (const [index, letter] of Array.from(text).entries()) {
    const value = /\d/.test(letter) ? Number(letter) : Number(values[letter.charCodeAt(0) - 65])
    sum += weights[index]! * value
  }
  const check = sum % 11
  return text[8] === (check === 10 ? 'X' : String(check))
}
