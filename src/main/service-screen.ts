import { commonHeaders, contentSecurityPolicy } from '#contract/page.ts'

/** Why the window's own page is not shown: it kept failing, or the key of the station's data is missing. */
export type ServiceReason = 'page' | 'key'

const words: Readonly<Record<ServiceReason, readonly string[]>> = {
  page: [
    'Its screen failed three times within a minute. Everything scanned and confirmed before is saved.',
    'It tries again by itself in five minutes. To try now, turn it off and on.',
    'If this comes back, call whoever looks after the station.',
  ],
  key: [
    'Its data are encrypted, and the key store of this machine does not give their key. Nothing is lost: everything scanned and confirmed before is saved.',
    'If the key store is locked, open it. If it has lost the key: the site, or whoever looks after the station, has the recovery key. Put it into the file recovery-key.txt in the data folder.',
    'It tries again by itself every minute.',
  ],
}

/** The page shown in place of the window's own: no script, nothing that could fail again. */
export function serviceScreen(nonce: string, reason: ServiceReason): Response {
  return new Response(
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Capstan</title>
<style nonce="${nonce}">
  body { margin: 0; min-height: 100vh; display: grid; place-content: center; padding: 8vw; box-sizing: border-box;
    background: #101418; color: #f2f4f5; font: 1.75rem/1.5 system-ui, sans-serif }
  h1 { font-size: 3rem; line-height: 1.2; margin: 0 0 2rem }
  p { margin: 0 0 1rem; max-width: 44rem }
</style>
</head>
<body>
<main>
<h1>This station needs a hand.</h1>
${words[reason].map((sentence) => `<p>${sentence}</p>`).join('\n')}
</main>
</body>
</html>
`,
    { headers: headersOf(nonce) },
  )
}

/** The page of a display that is not the kiosk's: nothing. */
export function coverScreen(nonce: string): Response {
  return new Response(
    `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Capstan</title><style nonce="${nonce}">html { background: #101418; cursor: none }</style></head>
</html>
`,
    { headers: headersOf(nonce) },
  )
}

function headersOf(nonce: string): Record<string, string> {
  return {
    ...commonHeaders,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy(nonce),
    'cache-control': 'no-store',
  }
}
