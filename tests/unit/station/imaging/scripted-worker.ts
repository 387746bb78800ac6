/**
 * An imaging process that does what the path of each job says, so that supervision is tested on real processes.
 * `crash`: ends at once. `crash-once FILE`: ends the first time only. `hang`: never answers. `rss BYTES`: claims to
 * hold so much memory. `gather COUNT FILE NAME`: answers once that many jobs are under way, as files tell. Everything is answered with the process id and the path.
 */
import { existsSync, writeFileSync } from 'node:fs'

process.on('disconnect', () => process.exit())
process.on('message', ({ kind, id, path }: { kind: string; id: number; path: string }) => {
  if (kind === 'rehearse') return
  const [command, argument = ''] = path.split(' ')
  if (command === 'crash') process.exit(139)
  if (command === 'hang') return
  if (command === 'crash-once' && !existsSync(argument)) {
    writeFileSync(argument, '')
    process.exit(139)
  }
  if (command === 'gather') {
    const [, count, file, name] = path.split(' ')
    writeFileSync(`${file}-${name}`, '')
    while (Array.from({ length: Number(count) }, (_, at) => `${file}-${at}`).some((each) => !existsSync(each)));
  }
  const rssBytes = command === 'rss' ? Number(argument) : 1
  process.send?.({ kind: 'answer', id, rssBytes, outcome: { ok: true, value: { pid: process.pid, path } } })
})
process.send?.({ kind: 'ready' })
