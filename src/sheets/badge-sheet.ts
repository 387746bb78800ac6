import type { Member } from '#contract/station/staff.ts'
import { layOut } from './page.ts'
import { drawSymbol } from './symbol.ts'

/** A member's badge as a PDF, to be cut out. `text` comes from the staff file, which does not keep it. */
export async function writeBadgeSheet(
  { name, role }: Pick<Member, 'name' | 'role'>,
  text: string,
): Promise<Uint8Array> {
  return await layOut({
    title: 'Capstan badge',
    lead: 'It opens what a PIN opens: keep it like a key. A new one makes this one worthless.',
    sections: [
      {
        heading: name,
        lead: `Role: ${role}`,
        columns: 1,
        // Without the text below: what a camera can read over a shoulder is enough.
        cards: [{ name, symbol: await drawSymbol({ symbology: 'code128', text }), caption: '' }],
      },
    ],
  })
}
