/** Opens the store of a folder, commits one capture, and holds the folder until it is killed. */
import { openStore } from '#station/store/store.ts'
import { newCapture } from '../capture-row.ts'

const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
let last = 0
const opened = openStore({
  dataDir: String(process.argv[2]),
  clock: { now: () => new Date('2026-11-21T09:00:00.000Z'), monotonicMs: () => 0, bootId: 'boot' },
  ids: { next: () => `00000000-0000-7000-8000-${String((last += 1)).padStart(12, '0')}` },
  log,
})
if (!opened.ok) throw new Error(opened.error.message)
const store = opened.value
const session = store.sessions.open({
  label: '',
  captureMode: 'barcode_scan',
  duplicatePolicy: 'count',
  duplicateWindowMs: 3_000,
  marksWindowMs: 0,
  formats: 'all',
})
store.transaction(() => store.captures.add(newCapture(session?.id ?? '', { raw: 'COMMITTED' })))
process.stdout.write('holding\n')
setInterval(() => undefined, 60_000)
