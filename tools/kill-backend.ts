/**
 * A backend to be killed: as `capstan backend` starts it, but links and webhooks may lead to this machine, where those
 * who kill it answer. Its options come as JSON in KILL_BACKEND; it prints where it listens.
 */
import { createBackend, type BackendOptions } from '#backend/index.ts'

const options = JSON.parse(process.env['KILL_BACKEND'] ?? '') as BackendOptions
const { url } = await createBackend({ ...options, outbound: { permits: () => true } })
console.log(JSON.stringify({ listening: url }))
