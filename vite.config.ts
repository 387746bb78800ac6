import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import type { UserConfig } from 'vite'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** What the product is made of, as the lock file tells: the licences are shown in the window. */
const licences = (): object[] => {
  const { packages } = JSON.parse(readFileSync(path('package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; license?: string; dev?: boolean; optional?: boolean }>
  }
  return Object.entries(packages)
    .filter(([place, { dev, optional }]) => place !== '' && !dev && !optional)
    .map(([place, { version, license }]) => ({
      name: place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: version ?? '',
      licence: license ?? '?',
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name))
}

/**
 * The window's build, the same by `vite build` and as the renderer part of `electron-vite build`.
 *
 * Everything becomes a file of its own: the window's policy allows no inline script, style or `data:` address.
 */
export const rendererConfig: UserConfig = {
  root: path('src/renderer'),
  base: '/',
  define: { __LICENCES__: JSON.stringify(licences()) },
  plugins: [react()],
  worker: { format: 'es' },
  build: {
    outDir: path('out/renderer'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Loaded from this machine, once: splitting would gain nothing.
    chunkSizeWarningLimit: 1_500,
    target: 'chrome130',
    reportCompressedSize: false,
    rolldownOptions: { input: path('src/renderer/index.html') },
  },
}

export default defineConfig(rendererConfig)
