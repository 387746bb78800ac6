import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { permissionAdvice, udevRules } from '#station/device/udev.ts'

const shipped = readFileSync(new URL('../../../../resources/udev/70-capstan-scanners.rules', import.meta.url), 'utf8')

it('ships the rules that it writes', () => {
  expect(shipped).toBe(udevRules())
})

it('gives no right to the other products of a maker that makes more than scanners', () => {
  for (const line of shipped.split('\n').filter((one) => one.includes('"03f0"'))) expect(line).toContain('"0139"')
})

it('adds what the site has added', () => {
  const rules = udevRules([
    { vendorId: 0x28e9, productId: 0x0aa1 },
    { vendorId: 0xabcd, productId: null },
  ])
  expect(rules).toContain('ATTR{idVendor}=="28e9", ATTR{idProduct}=="0aa1"')
  expect(rules).toContain('ATTR{idVendor}=="abcd", GROUP=')
})

it('fits its advice into what a device may say of itself', () => {
  expect(permissionAdvice(0x0c2e).length).toBeLessThanOrEqual(500)
})
