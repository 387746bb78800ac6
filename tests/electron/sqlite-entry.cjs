// Begins a utility process of the kiosk with the stand-in for node:sqlite; its own program is the first argument.
require('./sqlite-hook.cjs')
const { pathToFileURL } = require('node:url')

void import(pathToFileURL(process.argv[2]).href)
