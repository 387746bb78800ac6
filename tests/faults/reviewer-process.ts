import { openStation } from './open-station.ts'

/**
 * A reviewer in a process of its own, to be killed: accepts one proposal after another, applies each capture, changes the
 * product by hand, and prints what the station has acknowledged, a line each. Arguments: folder, backend, key.
 */
const station = await openStation()
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

interface Answer {
  readonly ok: boolean
  readonly value: {
    readonly values: { readonly net_content?: string }
    readonly entries: readonly { readonly captureId: string; readonly gtin: string }[]
    readonly proposals: readonly { readonly id: string; readonly version: number; readonly state: string }[]
  }
}
const call = async (name: string, input: object): Promise<Answer> => (await station.call(name, input)) as Answer

/** Changes the product by hand: to another value each time. */
const edit = async (gtin: string): Promise<void> => {
  const here = await call('product.get', { gtin, from: 'station' })
  const known = here.ok ? here : await call('product.get', { gtin, from: 'backend' })
  if (!known.ok) return
  const from = known.value.values.net_content ?? ''
  const to = `${Number.parseInt(from, 10) + 1} pc`
  const { ok } = await call('product.edit', { gtin, fields: [{ field: 'net_content', from, to }] })
  if (ok) say({ edited: to })
}

for (;;) {
  const queue = await call('review.queue', { reviewer: 'test' })
  for (const { captureId, gtin } of queue.value.entries) {
    const { proposals } = (await call('review.product', { captureId, reviewer: 'test' })).value
    for (const { id, version, state } of proposals) {
      if (state !== 'open') continue
      const { ok } = await call('review.decide', { id, version, decision: 'accept' })
      if (ok) say({ decided: id })
      await edit(gtin)
    }
    const { ok } = await call('review.apply', { captureId, reviewer: 'test' })
    if (ok) say({ applied: captureId })
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
}
