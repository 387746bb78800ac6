// Nor has Electron 33 the Node-API that the engine of encrypted stores is made for. In this suite only, libsql stands in for the
// little of it that the store uses: other pages, the same calls.
const { renameSync } = require('node:fs')
const { pathToFileURL } = require('node:url')
const Libsql = require('libsql')

const cipher = 'aes256cbc'

module.exports = class StandIn {
  #address
  #path
  #database = null

  constructor(path, { readonly }) {
    this.#path = path
    this.#address = readonly ? `${pathToFileURL(path).href}?mode=ro` : path
  }

  exec(sql) {
    const [, verb, key] = /PRAGMA (key|rekey) = 'raw:([0-9a-f]+)'/.exec(sql) ?? []
    if (verb === 'key') this.#database = new Libsql(this.#address, { encryptionCipher: cipher, encryptionKey: key })
    else if (verb === 'rekey') {
      const copy = `${this.#path}.rekeyed`
      this.#open().exec(`VACUUM INTO '${pathToFileURL(copy).href}?cipher=${cipher}&key=${key}'`)
      renameSync(copy, this.#path)
    } else this.#open().exec(sql)
  }

  prepare(sql) {
    const database = this.#open()
    let statement = database.prepare(sql)
    // One of libsql's that has failed once fails for ever.
    const use = (work) => {
      try {
        return work(statement)
      } catch (error) {
        statement = database.prepare(sql)
        throw error
      }
    }
    return {
      reader: statement.reader,
      run: (...values) => use((ready) => ready.run(inOrder(values))),
      get: (...values) => use((ready) => plain(ready.get(inOrder(values)))),
      all: (...values) => use((ready) => ready.all(inOrder(values)).map(plain)),
    }
  }

  close() {
    try {
      // It lets go of its files when its statements are collected: the log does not wait for that.
      this.#database?.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // Read only.
    }
    this.#database?.close()
  }

  #open() {
    return (this.#database ??= new Libsql(this.#address))
  }
}

/** The values of `?1`, `?2`, ... come as an object by number; libsql takes them in their order. */
function inOrder(values) {
  const [first] = values
  const isByNumber = first !== null && typeof first === 'object' && !ArrayBuffer.isView(first)
  return isByNumber ? Object.values(first) : values
}

function plain(row) {
  if (row === undefined) return row
  delete row._metadata
  for (const name in row) if (row[name] instanceof ArrayBuffer) row[name] = new Uint8Array(row[name])
  return row
}
