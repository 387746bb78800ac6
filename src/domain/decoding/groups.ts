import type { CodeGroup } from '#contract/symbology.ts'

const names: Readonly<Record<CodeGroup, readonly string[]>> = {
  all: [],
  retail: ['EAN13', 'EAN8', 'UPCA', 'UPCE'],
  linear: ['AllLinear'],
  // By its name too: the second engine knows no groups.
  matrix: ['AllMatrix', 'PDF417'],
}

/** zxing's names of the formats of a group; none stands for all. */
export function formatsOfGroup(group: CodeGroup): readonly string[] {
  return names[group]
}
