/**
 * Loaded before a program (`node --import`): ends it, as SIGKILL does, at its KILL_AT-th statement of SQLite, before or
 * after it as chance has it. With KILL_POSTGRES the statements that it sends to PostgreSQL count too; "after" is then
 * when the server has got it, and nobody knows what became of it.
 */
import { DatabaseSync, StatementSync } from 'node:sqlite'

let left = Number(process.env['KILL_AT'])
const isAfter = left % 2 === 0

const wrap = (prototype, name) => {
  const original = prototype[name]
  prototype[name] = function (...values) {
    left -= 1
    if (left === 0 && !isAfter) process.kill(process.pid, 'SIGKILL')
    const result = original.apply(this, values)
    if (left === 0) process.kill(process.pid, 'SIGKILL')
    return result
  }
}

wrap(DatabaseSync.prototype, 'exec')
for (const name of ['run', 'get', 'all']) wrap(StatementSync.prototype, name)

if (process.env['KILL_POSTGRES'] !== undefined) {
  const { Client } = await import('pg')
  const query = Client.prototype.query
  Client.prototype.query = function (...values) {
    left -= 1
    if (left === 0 && !isAfter) process.kill(process.pid, 'SIGKILL')
    const result = query.apply(this, values)
    // The text goes out at the end of this turn.
    if (left === 0) setImmediate(() => process.kill(process.pid, 'SIGKILL'))
    return result
  }
}
