import { layOut } from './page.ts'
import { drawSymbol } from './symbol.ts'

/** A station's enrolment code as a PDF: a QR code to scan at the station, and what staff compare before they confirm. */
export async function writeEnrolmentSheet(sheet: {
  readonly code: string
  readonly label: string
  readonly group: string
  readonly url: string
  readonly fingerprint: string
  /** ISO 8601 UTC. */
  readonly expiresAt: string
}): Promise<Uint8Array> {
  const until = `${sheet.expiresAt.slice(0, 10)} ${sheet.expiresAt.slice(11, 16)} UTC`
  return await layOut({
    title: 'Capstan enrolment',
    lead: `Scan it at the station that is to be enrolled. It works once, until ${until}: keep it like a key until then.`,
    sections: [
      {
        heading: sheet.label,
        lead: 'The station shows the site and its fingerprint before it goes on: they have to be these.',
        rows: [
          ['Site', sheet.url],
          ['Fingerprint', sheet.fingerprint],
          ...(sheet.group === '' ? [] : ([['Group', sheet.group]] as const)),
        ],
        columns: 1,
        cards: [{ name: sheet.label, symbol: await drawSymbol({ symbology: 'qr', text: sheet.code }), caption: '' }],
      },
    ],
  })
}
