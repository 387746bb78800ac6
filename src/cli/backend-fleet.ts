import { writeFile } from 'node:fs/promises'
import { fail, ok, type Result } from '#contract/result.ts'
import { readAssignments } from '#domain/setting-layers.ts'
import { writeEnrolmentSheet } from '#sheets/index.ts'
import { administer, where } from './backend-keys.ts'
import { parseArguments, parseOptions, refuse, type Help } from './command.ts'
import { writeSheet } from './control-sheet.ts'

const organization = { type: 'string', value: 'ID', about: 'of which organisation, where there are several' } as const
const group = { type: 'string', value: 'NAME', about: 'a group of stations; all of them unless said' } as const

export const enrolHelp = {
  name: 'backend enrol',
  usage: '--data DIR --url URL --label LABEL [--group NAME] [--hours N] [--out FILE.pdf]',
  options: {
    ...where,
    url: {
      type: 'string',
      value: 'URL',
      about: 'where stations reach the backend: https, or http on their own machine',
    },
    label: { type: 'string', value: 'LABEL', about: 'what the station is called in the lists' },
    group: { type: 'string', value: 'NAME', about: 'the group whose settings hold for it; none unless said' },
    hours: { type: 'string', value: 'N', about: 'how long the code is good; 24 unless said, at most 720' },
    out: { type: 'string', value: 'FILE.pdf', about: 'also a sheet with the code as a QR code, to print' },
    organization,
  },
  example: 'capstan backend enrol --data ~/backend --url https://scan.example.org --label "Dock 3" --out dock-3.pdf',
} as const satisfies Help

export const stationsHelp = {
  name: 'backend stations',
  usage: '[list|revoke ID|support ID [--out FILE.zip]|recovery-key ID] --data DIR',
  options: {
    ...where,
    out: { type: 'string', value: 'FILE.zip', about: 'where the support bundle that has come is written to' },
    organization,
  },
  example: 'capstan backend stations --data ~/backend',
} as const satisfies Help

export const layersHelp = {
  name: 'backend settings',
  usage: '[explain|history|set PATH=VALUE ...|unset PATH ...] --data DIR [--group NAME]',
  options: { ...where, group, organization },
  example: 'capstan backend settings set sound.volume=0.5 gate.showMs=3000 --data ~/backend --group dock',
} as const satisfies Help

/**
 * `capstan backend enrol`: makes a code by which one station enrols, once, and prints it as one JSON line; it is kept
 * nowhere. The backend may run meanwhile. Exit code 0, or 2 with a reason on standard error.
 */
export async function enrol(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, enrolHelp)
  if (!parsed.ok) return refuse(parsed.error)
  const values = parsed.value
  const { url, label, out, hours = '24' } = values
  if (url === undefined)
    return refuse({ code: 'invalid_input', message: '--url URL is missing: where stations reach it' })
  if (label === undefined) return refuse({ code: 'invalid_input', message: '--label LABEL is missing' })
  if (!/^\d{1,3}$/.test(hours))
    return refuse({ code: 'invalid_input', message: '--hours takes a number from 1 to 720' })
  let sheet = 0
  const made = await administer(values, async (administration) => {
    const wish = { label, group: values.group ?? '', validMs: Number(hours) * 3_600_000, url }
    const code = await administration.createCode(wish, values.organization)
    if (!code.ok) return code
    if (out !== undefined) {
      const { expires_at: expiresAt, ...rest } = code.value
      sheet = await writeSheet(out, () => writeEnrolmentSheet({ ...rest, expiresAt }))
    }
    return ok([code.value])
  })
  return made === 0 ? sheet : made
}

/**
 * `capstan backend stations`: one JSON line for each enrolled station: its state, when it was last seen, its health. `support`
 * asks one for a support bundle, and with `--out` writes the one that has come; `recovery-key` prints what opens its data.
 */
export async function stations(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, stationsHelp)
  if (!parsed.ok) return refuse(parsed.error)
  const { values, positionals } = parsed.value
  const [verb = 'list', id, surplus] = positionals
  return administer(values, async (administration) => {
    if (verb === 'list' && id === undefined) return ok(await administration.listStations(values.organization))
    if (verb === 'revoke' && id !== undefined && surplus === undefined) return await administration.revokeStation(id)
    if (verb === 'recovery-key' && id !== undefined && surplus === undefined) {
      return await administration.showRecoveryKeys(id)
    }
    if (verb === 'support' && id !== undefined && surplus === undefined) {
      if (values.out === undefined) return await administration.askForSupport(id)
      const fetched = await administration.fetchSupport(id)
      if (!fetched.ok) return fetched
      await writeFile(values.out, fetched.value.zip, { mode: 0o600 })
      return ok([{ file: values.out, bytes: fetched.value.zip.length }])
    }
    return fail('invalid_input', 'stations takes list, revoke ID, support ID or recovery-key ID')
  })
}

/**
 * `capstan backend settings`: the settings of all stations, or of `--group`. `explain` prints what would hold for a station
 * that sets nothing itself and from where, `history` every change; `set` and `unset` answer the layer as it is then.
 */
export async function layers(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, layersHelp)
  if (!parsed.ok) return refuse(parsed.error)
  const { values, positionals } = parsed.value
  const [verb = 'explain', ...rest] = positionals
  const { group: name = '', organization: id } = values
  return administer(values, async (administration): Promise<Result<readonly unknown[]>> => {
    if (verb === 'explain' && rest.length === 0) {
      return await administration.previewLayers(name, id)
    }
    if (verb === 'history' && rest.length === 0) return await administration.listLayers(id)
    if ((verb === 'set' || verb === 'unset') && rest.length > 0) {
      const change =
        verb === 'set' ? readAssignments(rest) : ok(Object.fromEntries(rest.map((path) => [path, null] as const)))
      if (!change.ok) return change
      const layer = await administration.changeLayer(name, change.value, id)
      return layer.ok ? ok([layer.value]) : layer
    }
    return fail('invalid_input', 'settings takes explain, history, set PATH=VALUE ... or unset PATH ...')
  })
}
