import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
// electron-builder's own reader and validator: what it would refuse, this test refuses.
const require = createRequire(createRequire(import.meta.url).resolve('electron-builder'))
const builder = require('app-builder-lib/out/util/config/config.js') as {
  getConfig(folder: string, file: string, options: null): Promise<Record<string, unknown>>
  validateConfiguration(config: object, logger: object): Promise<void>
}

const config = await builder.getConfig(root, 'electron-builder.yml', null)

it('is a configuration that electron-builder accepts', async () => {
  await builder.validateConfiguration(config, { isEnabled: false, add: () => {} })
})

it('turns off the switches that make an Electron a Node for whoever finds it', () => {
  expect(config['electronFuses']).toEqual({
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    grantFileProtocolExtraPrivileges: false,
  })
})

it('packs the kiosk for three platforms', () => {
  const targets = (platform: string) => (config[platform] as { target: unknown }).target
  expect(targets('linux')).toEqual(['AppImage', 'deb', 'tar.gz'])
  expect(targets('win')).toEqual(['nsis'])
  expect(targets('mac')).toEqual(['dmg'])
  expect(config['nsis']).toMatchObject({ perMachine: true, deleteAppDataOnUninstall: false })
})

it('keeps native code outside of the archive and rebuilds nothing', () => {
  const unpacked = String(config['asarUnpack'])
  for (const name of ['sharp', '@img', 'usb']) expect(unpacked).toContain(name)
  expect(config['npmRebuild']).toBe(false)
})

it('names files that exist', () => {
  for (const { from } of config['extraResources'] as { from: string }[]) expect(existsSync(join(root, from))).toBe(true)
  expect(existsSync(join(root, 'resources/icon.png'))).toBe(true)
})

it('packs an entry that package.json names and the build makes', () => {
  const { main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { main: string }
  expect(main).toBe('out/main/index.js')
  expect(JSON.stringify(config['files'])).toContain('"out/**"')
})
