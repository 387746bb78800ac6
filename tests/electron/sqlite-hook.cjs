// The test runtime is Electron 33: its Node 20 has no node:sqlite. In this suite only, @photostructure/sqlite,
// which has the same API, stands in for it. The product's Electron has the real one.
const Module = require('node:module')
const { pathToFileURL } = require('node:url')

const replacement = pathToFileURL(require.resolve('@photostructure/sqlite')).href
Module.register(pathToFileURL(require.resolve('./sqlite-hook.mjs')), { data: replacement })

const resolveFilename = Module._resolveFilename
Module._resolveFilename = function resolve(request, ...rest) {
  if (request === 'better-sqlite3-multiple-ciphers') return require.resolve('./sealed-stand-in.cjs')
  return resolveFilename.call(this, request, ...rest)
}
// With the stand-in this runtime can what the product asks of it.
Object.defineProperty(process.versions, 'napi', { value: '10', enumerable: true })

// The processes beside the main one have databases too: they begin with this file.
const { utilityProcess } = require('electron')
const fork = utilityProcess?.fork
if (fork) {
  utilityProcess.fork = (path, args, options) =>
    fork.call(utilityProcess, require.resolve('./sqlite-entry.cjs'), [path, ...args], options)
}
