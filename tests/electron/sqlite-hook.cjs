// The test runtime is Electron 33: its Node 20 has no node:sqlite. In this suite only, @photostructure/sqlite,
// which has the same API, stands in for it. The product's Electron has the real one.
const { register } = require('node:module')
const { pathToFileURL } = require('node:url')

const replacement = pathToFileURL(require.resolve('@photostructure/sqlite')).href
register(pathToFileURL(require.resolve('./sqlite-hook.mjs')), { data: replacement })

// The processes beside the main one have databases too: they begin with this file.
const { utilityProcess } = require('electron')
const fork = utilityProcess?.fork
if (fork) {
  utilityProcess.fork = (path, args, options) =>
    fork.call(utilityProcess, require.resolve('./sqlite-entry.cjs'), [path, ...args], options)
}
