/** The device room alone in a process of its own, on whatever bus that process sees; obeys its parent. */
import { fail, ok, type Result } from '#contract/result.ts'
import type { ScanOutcome } from '#contract/station/capture.ts'
import type { Log } from '#contract/ports.ts'
import { scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import { createScanners } from '#station/device/scanners.ts'
import { defaultDelays } from '#station/device/scanner.ts'
import { findOnUsbBus } from '#station/device/usb-bus.ts'
import type { FromScanners, ScannersStart, ToScanners } from './scanners.ts'

const start = JSON.parse(process.argv[2] ?? '{}') as ScannersStart
const tell = (message: FromScanners): void => void process.send?.(message)

const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => tell({ kind: 'log', message, fields }),
  error: (fields, message) => tell({ kind: 'log', message, fields }),
  child: () => log,
}

const held: ((isSaved: boolean) => void)[] = []
const result = (isSaved: boolean): Result<ScanOutcome> =>
  // The room looks at nothing but these.
  isSaved
    ? ok({ outcome: 'saved', capture: { disposition: 'counted' } } as ScanOutcome)
    : fail('storage_full', 'the disk is full')

const delays = { ...defaultDelays, ...start.delays }
const scanners = createScanners({
  settings: scannersSettingsSchema.parse(start.settings ?? {}),
  log,
  delays,
  finders: [findOnUsbBus(delays)],
})
scanners.start(
  (scan, raw) => {
    tell({ kind: 'scan', ...scan, bytes: Buffer.from(raw?.bytes ?? []).toString('hex'), deviceId: raw?.deviceId ?? '' })
    if (start.answer !== 'held') return Promise.resolve(result(start.answer !== 'failed'))
    return new Promise((resolve) => held.push((isSaved) => resolve(result(isSaved))))
  },
  (report) => tell({ ...report, kind: 'report' }),
)

process.on('message', (message: ToScanners) => {
  if (message.command === 'answer') held.shift()?.(message.isSaved)
  if (message.command === 'configure') scanners.configure(scannersSettingsSchema.parse(message.settings))
  if (message.command === 'counts') {
    const counts = [...scanners.details()].map(([id, details]) => [id, details.counts] as const)
    tell({ kind: 'counts', counts: Object.fromEntries(counts) })
  }
  if (message.command === 'feedback')
    void scanners.feedback?.(message.id, message.signal).then((answer) => tell({ kind: 'feedback', isOk: answer.ok }))
  if (message.command === 'close')
    void scanners.close().then(() => {
      tell({ kind: 'closed' })
      process.disconnect()
    })
})
// Nobody is left to obey: a scanner that goes on being read would hold the process for ever.
process.on('disconnect', () => process.exit())
