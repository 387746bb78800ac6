import type { Certificate } from '#contract/station/ledger.ts'
import { layOut } from './page.ts'
import { drawSymbol } from './symbol.ts'

/** A session's certificate as a PDF, with its place in the ledger as a QR code too: `capstan verify` takes it from there. */
export async function writeCertificate(certificate: Certificate): Promise<Uint8Array<ArrayBuffer>> {
  const { station, session, counts, ledger, clock, signature } = certificate
  const { scanned, saved, accepted, refused, pending, undecided, discarded, notCounted } = counts
  const sum = accepted + refused + pending + undecided + discarded + notCounted
  const isSound = scanned === saved && saved === sum
  const place = `capstan:${station.id}:${ledger.sequence}:${ledger.hash}`
  return await layOut({
    title: 'Capstan certificate of a session',
    lead: isSound
      ? `Every one of the ${scanned} scans of this session is accounted for.`
      : 'THE FIGURES DO NOT ADD UP: run capstan verify on the data folder of this station.',
    sections: [
      {
        heading: 'Session',
        lead: '',
        columns: 1,
        rows: [
          ['Name', session.label === '' ? '-' : session.label],
          ['Opened', session.openedAt],
          ['Ended', session.endedAt ?? 'still open'],
          ['Session', session.id],
          ['Station', `${station.name}, ${station.id}`],
        ],
        cards: [],
      },
      {
        heading: 'Account',
        lead: `scanned ${scanned} = saved ${saved} = accepted ${accepted} + refused ${refused} + pending ${pending} + undecided ${undecided} + discarded ${discarded} + not counted ${notCounted}`,
        columns: 1,
        rows: [
          ['Scanned', `${scanned}`],
          ['Saved', `${saved}`],
          ['Accepted by the server', `${accepted}`],
          ['Refused by the server, kept', `${refused}`],
          ['Pending', `${pending}`],
          ['Undecided', `${undecided}`],
          ['Discarded by a person', `${discarded}`],
          ['Not counted (repeats, undone)', `${notCounted}`],
        ],
        cards: [],
      },
      {
        heading: 'Proof',
        lead: 'Whoever holds this sheet can tell later whether the station still has the ledger it was issued from: capstan verify --data DIR --certificate FILE, with the JSON file or with the text of the code.',
        columns: 1,
        rows: [
          ['Last entry of the ledger', `${ledger.sequence}`],
          ['Its hash (SHA-256)', ledger.hash],
          ['Issued', certificate.issuedAt],
          ['Clock', clockWords(clock)],
          ["Station's key (Ed25519)", signature === null ? 'not signed' : signature.publicKey],
          ...(signature === null ? [] : [['Signature of the JSON', signature.value] as const]),
        ],
        cards: [
          { name: 'The same as a code', symbol: await drawSymbol({ symbology: 'qr', text: place }), caption: place },
        ],
      },
    ],
  })
}

function clockWords(clock: Certificate['clock']): string {
  if (clock === null) return 'not compared with any server'
  const seconds = (ms: number): string => `${ms < 0 ? '' : '+'}${(ms / 1_000).toFixed(1)} s`
  return `the right time is ${seconds(clock.leastMs)} to ${seconds(clock.mostMs)} from the times above, by the servers' dates`
}
