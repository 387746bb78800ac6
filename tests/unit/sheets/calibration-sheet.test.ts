import { expect, it } from 'vitest'
import { calibrationCodes } from '#domain/calibration.ts'
import { writeCalibrationSheet } from '#sheets/index.ts'
import { print, scanPage } from './printed-page.ts'

it('the calibration sheet holds its codes in order, as a printer of 300 dots an inch prints them', async () => {
  const pages = print(await writeCalibrationSheet())
  const found = (await Promise.all(pages.map(scanPage))).flat()
  expect(found.map(({ text, symbologyIdentifier }) => [symbologyIdentifier, text])).toEqual(
    calibrationCodes.map(({ text, symbology }) => [symbology === 'gs1_128' ? ']C1' : ']C0', text]),
  )
  for (const { rectangles } of pages) expect(Math.min(...rectangles)).toBeGreaterThanOrEqual(0.3299)
})
