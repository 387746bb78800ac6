import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dist, isOld } from './open-kiosk.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** What the test runtime needs beside the application, which the product's Electron has itself. */
const standIn = {
  extraMetadata: { main: 'tests/electron/packaged-entry.mjs' },
  files: [
    'tests/electron/packaged-entry.mjs',
    'tests/electron/sqlite-*',
    { from: 'node_modules/@photostructure/sqlite', to: 'node_modules/@photostructure/sqlite' },
    { from: 'node_modules/node-gyp-build', to: 'node_modules/node-gyp-build' },
  ],
}

/** Packs the built kiosk as electron-builder.yml says, with the runtime of this suite; answers the unpacked folder. */
export async function packageKiosk(output: string): Promise<string> {
  const require = createRequire(import.meta.url)
  // Under Vitest it makes hard links, as its own tests want them, and stumbles over those that are there.
  const { VITEST } = process.env
  delete process.env['VITEST']
  const { build, Platform } = await import('electron-builder')
  if (VITEST !== undefined) process.env['VITEST'] = VITEST
  const builder = createRequire(require.resolve('electron-builder'))
  const { getConfig } = builder('app-builder-lib/out/util/config/config.js') as {
    getConfig(folder: string, file: string, options: null): Promise<Record<string, unknown>>
  }
  const config = await getConfig(root, 'electron-builder.yml', null)
  await build({
    projectDir: root,
    targets: Platform.LINUX.createTarget('dir'),
    config: {
      ...config,
      electronDist: dist,
      directories: { ...(config['directories'] as object), output },
      ...(isOld
        ? {
            extraMetadata: standIn.extraMetadata,
            files: [...(config['files'] as string[]), ...standIn.files],
            asarUnpack: [
              ...(config['asarUnpack'] as string[]),
              'tests/**',
              '**/node_modules/{@photostructure,node-gyp-build}/**',
            ],
          }
        : {}),
    },
  })
  return join(output, 'linux-unpacked')
}
