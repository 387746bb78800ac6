import { tell } from './command.ts'

/** A command's `run` gets its arguments and answers the exit code; it is loaded only when it is asked for. */
type Run = (args: readonly string[]) => Promise<number>

const commands: Record<string, { readonly about: string; readonly load: () => Promise<Run> }> = {
  kiosk: {
    about: 'opens the kiosk: [--host electron|web] [--data DIR] [--port N] [--backend URL] [--api-key KEY]',
    load: async () => (await import('./kiosk.ts')).kiosk,
  },
  backend: {
    about: 'runs the reference backend: --data DIR --port N [--api-key KEY] [--products FILE.csv]',
    load: async () => (await import('./backend.ts')).backend,
  },
  station: {
    about:
      'runs a station without a window: --data DIR [--stdin] [--no-drain] [--marks-window MS] [--backend URL --api-key KEY]',
    load: async () => (await import('./station.ts')).station,
  },
  record: {
    about: 'reads the scanners and keeps a timed trace of them: --data DIR --out FILE [--redacted]',
    load: async () => (await import('./record.ts')).record,
  },
  replay: {
    about: 'plays a trace into a station: FILE --data DIR [--speed N]',
    load: async () => (await import('./replay.ts')).replay,
  },
  import: {
    about: 'takes the photos of a folder: FOLDER --data DIR [--role ROLE] [--mode MODE] [--label NAME] [--backend URL]',
    load: async () => (await import('./import.ts')).importCommand,
  },
  export: {
    about: 'prints captures: --data DIR --format ndjson|csv|xlsx [--session ID]',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  verify: {
    about: 'checks the ledger of a station and its copies: --data DIR [--json]',
    load: async () => (await import('./verify.ts')).verify,
  },
  'control-sheet': {
    about: 'writes the control barcodes to print: --out FILE.pdf [--location NAME ...]',
    load: async () => (await import('./control-sheet.ts')).controlSheet,
  },
  'calibration-sheet': {
    about: 'writes the codes to calibrate a keyboard scanner with: --out FILE.pdf',
    load: async () => (await import('./calibration-sheet.ts')).calibrationSheet,
  },
  parse: {
    about: 'reads {"data":"...","aim":"]C1"} lines and prints what they mean: --json',
    load: async () => (await import('./parse.ts')).parse,
  },
  decode: {
    about: 'prints the codes in images: --json FILE...',
    load: async () => (await import('./decode.ts')).decode,
  },
  doctor: {
    about: 'checks this machine and a data folder: [--data DIR] [--backend URL --api-key KEY] [--json] [--fix]',
    load: async () => (await import('./doctor.ts')).doctor,
  },
}

const [name = 'help', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined

// A reader that has gone away (`capstan export | head`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

if (command) {
  const run = await command.load()
  process.exitCode = await run(args)
} else {
  const isHelp = ['help', '--help', '-h'].includes(name)
  if (!isHelp) tell(`capstan knows no command "${name}".`)
  tell('usage: capstan COMMAND [OPTIONS]\n')
  for (const [known, { about }] of Object.entries(commands)) tell(`  ${known.padEnd(19)}${about}`)
  tell('\nResults are JSON lines on standard output, logs go to standard error (CAPSTAN_LOG=debug for more).')
  process.exitCode = isHelp ? 0 : 2
}
