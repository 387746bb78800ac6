/**
 * Makes one piece of work of many that come at the same time.
 *
 * What comes while `atATime` groups are on their way waits and goes with the next one, so nobody waits for company when
 * there is none. A group is begun after all of it has come: it never sees the past of whom it is for. `work` answers in
 * the order of what it was given; what it throws, all of the group are told.
 */
export function gather<Item, Outcome>(
  work: (items: readonly Item[]) => Promise<readonly Outcome[]>,
  limits: { readonly atATime: number; readonly most: number },
): (item: Item) => Promise<Outcome> {
  let waiting: { readonly item: Item; readonly promise: PromiseWithResolvers<Outcome> }[] = []
  let running = 0

  async function run(): Promise<void> {
    running += 1
    // What else comes in this turn of the event loop is to be in the group.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const group = waiting.slice(0, limits.most)
      waiting = waiting.slice(limits.most)
      try {
        const outcomes = await work(group.map(({ item }) => item))
        group.forEach(({ promise }, index) => promise.resolve(outcomes[index] as Outcome))
      } catch (error) {
        for (const { promise } of group) promise.reject(error)
      }
    }
    running -= 1
  }

  return (item) => {
    const promise = Promise.withResolvers<Outcome>()
    waiting.push({ item, promise })
    if (running < limits.atATime) void run()
    return promise.promise
  }
}
