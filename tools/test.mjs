// `npm test`: sets up and runs every check. On a fresh clone it needs npm and any Node from 20 on.
import { join } from 'node:path'
import { build, install, node, root, run, say } from './set-up.mjs'

try {
  await install()
  await build()
  process.exitCode = await run(node, [join(root, 'tools', 'checks.ts'), ...process.argv.slice(2)], {
    stdout: 'inherit',
  })
} catch (error) {
  say(error.message)
  process.stdout.write('\n0 passed, 1 failed\n')
  process.exitCode = 1
}
