import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** What the command line asks of the kiosk. */
export interface KioskArguments {
  /** The data folder, absolute; null for the platform's own place. */
  readonly data: string | null
  /** The backend's address; null for the embedded one. */
  readonly backend: string | null
  /** A file with the backend's key, as a systemd credential is: a key on a command line is seen by everybody. */
  readonly apiKeyFile: string | null
  readonly kiosk: boolean
  /** The other displays, or a second window, show visitors the face of the gate. */
  readonly visitorDisplay: boolean
}

/**
 * Reads the kiosk's options from a command line that also holds Chromium's and Electron's switches, which
 * are left alone.
 */
export function parseKioskArguments(args: readonly string[]): KioskArguments {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: {
      data: { type: 'string' },
      backend: { type: 'string' },
      'api-key-file': { type: 'string' },
      kiosk: { type: 'boolean' },
      'visitor-display': { type: 'boolean' },
    },
  })
  // Without `strict`, the option after one that lacks its value is taken for it.
  const text = (value: unknown): string | null =>
    typeof value === 'string' && value !== '' && !value.startsWith('--') ? value : null
  const path = (value: unknown): string | null => (text(value) === null ? null : resolve(String(value)))
  return {
    data: path(values.data),
    backend: text(values.backend),
    apiKeyFile: path(values['api-key-file']),
    kiosk: values.kiosk === true,
    visitorDisplay: values['visitor-display'] === true,
  }
}
