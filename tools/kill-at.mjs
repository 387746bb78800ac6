/**
 * Loaded before a program (`node --import`): ends it, as SIGKILL does, at its KILL_AT-th statement of SQLite, before or
 * after it as chance has it.
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
