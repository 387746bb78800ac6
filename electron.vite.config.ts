import { defineConfig } from 'electron-vite'
import { rendererConfig } from './vite.config.ts'

/**
 * Three bundles: main and the processes beside it as ES modules, the preload as one CommonJS file (a sandboxed preload
 * can neither be an ES module nor load a second file), and the window.
 * The packages in `dependencies` stay outside of the first; `#room/...` resolves through package.json.
 */
export default defineConfig({
  main: {
    build: {
      target: 'node20',
      // Bundled, since a process that loads one file has begun before one that looks for a hundred.
      externalizeDeps: { exclude: ['zod', 'uuid', 'electron-store', 'conf', 'pino', 'csv-stringify'] },
      rolldownOptions: {
        input: {
          index: 'src/main/index.ts',
          'imaging-process': 'src/station/imaging/worker.ts',
          'backend-process': 'src/backend/embedded-process.ts',
          'codes-process': 'src/backend/codes/worker.ts',
          'labels-process': 'src/backend/vision/ocr/worker.ts',
          'drill-process': 'src/cli/drill/utility-process.ts',
          'drill-station-process': 'src/cli/drill/station-process.ts',
        },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
        // No module of ours does anything by being loaded: what a process does not use it need not load, as main the backend.
        treeshake: { moduleSideEffects: false },
      },
    },
  },
  preload: {
    build: {
      target: 'node20',
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: 'src/preload/index.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: rendererConfig,
})
