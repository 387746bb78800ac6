import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { updateRingSchema, updateMessage } from '#contract/station/update.ts'

/**
 * `node tools/release.ts key --out KEY.pem` makes a release key, whose public half goes into `resources/update-key.txt` before
 * a package is built; `node tools/release.ts sign --key KEY.pem --ring RING --platform linux --version 0.2.0 --out DIR FILE...`
 * writes what a site's server offers to a ring, beside the packages: `RING-linux.yml`, `RING-mac.yml` or `RING.yml`.
 * The key stays where releases are made; stations know its public half only. docs/operations.md says how a site uses it.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    key: { type: 'string' },
    ring: { type: 'string', default: 'all' },
    platform: { type: 'string', default: process.platform },
    version: { type: 'string' },
    percent: { type: 'string' },
    out: { type: 'string' },
  },
})
const [verb, ...files] = positionals

/** The public half as the station wants it: base64 of the 32 bytes behind the head of its SPKI. */
const publicHalf = (pem: string): string =>
  createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')

if (verb === 'key' && values.out !== undefined) {
  // Written once: whoever loses it has to visit every station.
  if (existsSync(values.out)) throw new Error(`${values.out} is there already`)
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  writeFileSync(values.out, pem, { mode: 0o600 })
  process.stdout.write(`${publicHalf(pem)}\n`)
} else if (verb === 'sign' && values.key && values.version && values.out && files.length > 0) {
  const ring = updateRingSchema.parse(values.ring)
  const { platform, version, percent } = values
  const described = files.map((path) => {
    const bytes = readFileSync(path)
    return { url: basename(path), sha512: createHash('sha512').update(bytes).digest('base64'), size: bytes.length }
  })
  const message = updateMessage({ ring, platform, version, files: described })
  const signature = sign(null, Buffer.from(message), readFileSync(values.key, 'utf8')).toString('base64')
  const offer = {
    version,
    files: described,
    path: described[0]?.url,
    sha512: described[0]?.sha512,
    releaseDate: new Date().toISOString(),
    ...(percent === undefined ? {} : { stagingPercentage: Number(percent) }),
    signature,
  }
  const suffix = platform === 'linux' ? '-linux' : platform === 'darwin' ? '-mac' : ''
  const path = join(values.out, `${ring}${suffix}.yml`)
  // JSON is YAML.
  writeFileSync(path, `${JSON.stringify(offer, null, 2)}\n`)
  process.stdout.write(`${path}\n`)
} else {
  process.stderr.write('usage: release.ts key --out KEY.pem | sign --key KEY.pem --version V --out DIR FILE...\n')
  process.exitCode = 2
}
