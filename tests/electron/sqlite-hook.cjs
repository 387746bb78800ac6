// The test runtime is Electron 33: its Node 20 has no node:sqlite. In this suite only, @photostructure/sqlite,
// which has the same API, stands in for it. The product's Electron has the real one.
const { register } = require('node:module')
const { pathToFileURL } = require('node:url')

const replacement = pathToFileURL(require.resolve('@photostructure/sqlite')).href
register(pathToFileURL(require.resolve('./sqlite-hook.mjs')), { data: replacement })
