import { printHelp, printRaw, tell, version, type Help } from './command.ts'

/** A command is loaded only when it is asked for; `run` gets its arguments and answers the exit code. */
interface Command {
  readonly help: Help
  readonly run: (args: readonly string[]) => Promise<number>
  /** Commands of its own, such as `backend keys`. */
  readonly parts?: Readonly<Record<string, { readonly about: string; readonly help: Help }>>
}

const commands: Record<string, { readonly about: string; readonly load: () => Promise<Command> }> = {
  kiosk: {
    about: 'opens the kiosk, in Electron or in a Chromium window',
    load: async () => {
      const { kiosk: run, help } = await import('./kiosk.ts')
      return { run, help }
    },
  },
  backend: {
    about: 'runs the reference backend',
    load: async () => {
      const { backend: run, help, parts } = await import('./backend.ts')
      return { run, help, parts }
    },
  },
  station: {
    about: 'runs a station without a window, on its scanners or on standard input',
    load: async () => {
      const { station: run, help } = await import('./station.ts')
      return { run, help }
    },
  },
  record: {
    about: 'reads the scanners and keeps a timed trace of them',
    load: async () => {
      const { record: run, help } = await import('./record.ts')
      return { run, help }
    },
  },
  replay: {
    about: 'plays a trace into a station',
    load: async () => {
      const { replay: run, help } = await import('./replay.ts')
      return { run, help }
    },
  },
  shoot: {
    about: 'has all cameras take a photo',
    load: async () => {
      const { shoot: run, help } = await import('./shoot.ts')
      return { run, help }
    },
  },
  import: {
    about: 'takes the photos of a folder, each once',
    load: async () => {
      const { importCommand: run, help } = await import('./import.ts')
      return { run, help }
    },
  },
  export: {
    about: 'prints captures as NDJSON, CSV or XLSX, and products as CSV, XLSX or JSON',
    load: async () => {
      const { exportCommand: run, help } = await import('./export.ts')
      return { run, help }
    },
  },
  'data-key': {
    about: 'prints a new recovery key, for a service manager that keeps the key of the data',
    load: async () => {
      const { dataKey: run, help } = await import('./data-key.ts')
      return { run, help }
    },
  },
  verify: {
    about: 'checks the ledger of a station or of a copy of it',
    load: async () => {
      const { verify: run, help } = await import('./verify.ts')
      return { run, help }
    },
  },
  drill: {
    about: 'rehearses what can go wrong, on scratch stores only, and ends in a go/no-go sheet',
    load: async () => {
      const { drill: run, help } = await import('./drill.ts')
      return { run, help }
    },
  },
  certificate: {
    about: 'writes what a session came to, with proof',
    load: async () => {
      const { certificate: run, help } = await import('./certificate.ts')
      return { run, help }
    },
  },
  staff: {
    about: 'sets the PINs and badges of a station and says whose they are',
    load: async () => {
      const { staff: run, help } = await import('./staff.ts')
      return { run, help }
    },
  },
  enrol: {
    about: 'enrols a station at a site by a one-time code',
    load: async () => {
      const { enrol: run, help } = await import('./enrol.ts')
      return { run, help }
    },
  },
  settings: {
    about: 'shows and changes what holds at a station, and where it comes from',
    load: async () => {
      const { settings: run, help } = await import('./settings.ts')
      return { run, help }
    },
  },
  support: {
    about: 'writes what support needs to know, without keys, codes, photos or names',
    load: async () => {
      const { support: run, help } = await import('./support.ts')
      return { run, help }
    },
  },
  'control-sheet': {
    about: 'writes the control barcodes to print',
    load: async () => {
      const { controlSheet: run, help } = await import('./control-sheet.ts')
      return { run, help }
    },
  },
  'calibration-sheet': {
    about: 'writes the codes to calibrate a keyboard scanner with',
    load: async () => {
      const { calibrationSheet: run, help } = await import('./calibration-sheet.ts')
      return { run, help }
    },
  },
  parse: {
    about: 'reads {"data":"...","aim":"]C1"} lines and prints what they mean',
    load: async () => {
      const { parse: run, help } = await import('./parse.ts')
      return { run, help }
    },
  },
  decode: {
    about: 'prints the codes in images',
    load: async () => {
      const { decode: run, help } = await import('./decode.ts')
      return { run, help }
    },
  },
  extract: {
    about: 'prints what photos of labels say: name, ingredients, nutrition, ...',
    load: async () => {
      const { extract: run, help } = await import('./extract.ts')
      return { run, help }
    },
  },
  doctor: {
    about: 'checks this machine, a data folder and a backend',
    load: async () => {
      const { doctor: run, help } = await import('./doctor.ts')
      return { run, help }
    },
  },
}

const [name = 'help', ...args] = process.argv.slice(2)
const isHelp = ['help', '--help', '-h'].includes(name)
/** `capstan help COMMAND` is `capstan COMMAND --help`. */
const asked = isHelp ? (args[0] ?? '') : name
const command = Object.hasOwn(commands, asked) ? commands[asked] : undefined

// A reader that has gone away (`capstan export | head`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

if (['--version', '-v', 'version'].includes(name)) await printRaw(`${version}\n`)
else if (command) {
  const { run, help, parts = {} } = await command.load()
  const word = (isHelp ? args[1] : args[0]) ?? ''
  const part = Object.hasOwn(parts, word) ? parts[word] : undefined
  if (isHelp || args.includes('--help') || args.includes('-h')) {
    await printHelp(part?.about ?? command.about, part?.help ?? help)
  } else process.exitCode = await run(args)
} else if (isHelp && asked === '') await printRaw(overview())
else {
  tell(`capstan knows no command "${asked}".\n\n${overview()}`)
  process.exitCode = 2
}

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((known) => known.length))
  return `usage: capstan COMMAND [OPTIONS]

${Object.entries(commands)
  .map(([known, { about }]) => `  ${known.padEnd(width)}  ${about}`)
  .join('\n')}

capstan COMMAND --help shows the options of a command, with an example; capstan --version its version.
Results are JSON lines on standard output, logs go to standard error (CAPSTAN_LOG=debug for more).
`
}
