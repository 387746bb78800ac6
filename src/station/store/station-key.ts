import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import type { Certificate } from '#contract/station/ledger.ts'
import { canonicalJson } from '#domain/canonical-json.ts'
import type { Facts } from '#station/store/facts.ts'
import type { Ledger } from '#station/store/ledger.ts'

/** The station's own key (Ed25519), by which its certificates are known. The private half never leaves this module. */
export interface StationKey {
  /** 32 bytes, base64url. */
  readonly publicKey: string
  sign(certificate: Certificate): Certificate
}

/** What a signature is of: the certificate without it, as RFC 8785 writes it. */
const signedText = (certificate: Certificate): Buffer =>
  Buffer.from(canonicalJson({ ...certificate, signature: undefined }))

/**
 * The key that `secret` keeps, or a new one, which is kept there; the ledger names it before anything is signed with it.
 * Rejects when the secret cannot be kept, or the ledger not be written.
 */
export async function openStationKey(
  store: { readonly facts: Facts; readonly ledger: Ledger; transaction<T>(work: () => T): T },
  secret: { read(): Promise<string | null>; write(secret: string): Promise<void> },
): Promise<StationKey> {
  const kept = readKey(await secret.read())
  const privateKey = kept ?? generateKeyPairSync('ed25519').privateKey
  const publicKey = String(createPublicKey(privateKey).export({ format: 'jwk' }).x)
  if (kept === null) await secret.write(privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url'))
  if (store.facts.get('station_key') !== publicKey) {
    store.transaction(() => {
      store.facts.set('station_key', publicKey)
      store.ledger.append({ kind: 'station.key', publicKey })
    })
  }
  return {
    publicKey,
    sign: (certificate) => ({
      ...certificate,
      signature: {
        algorithm: 'Ed25519',
        publicKey,
        value: sign(null, signedText(certificate), privateKey).toString('base64url'),
      },
    }),
  }
}

/** What is no key, or was encrypted for another machine, is as good as none. */
function readKey(secret: string | null): ReturnType<typeof createPrivateKey> | null {
  if (secret === null || secret === '') return null
  try {
    const key = createPrivateKey({ key: Buffer.from(secret, 'base64url'), format: 'der', type: 'pkcs8' })
    return key.asymmetricKeyType === 'ed25519' ? key : null
  } catch {
    return null
  }
}

/** Whether a certificate says what was signed with the key that it names. */
export function isSignatureRight(certificate: Certificate): boolean {
  const { signature } = certificate
  if (signature === null) return false
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: signature.publicKey }, format: 'jwk' })
    return verify(null, signedText(certificate), key, Buffer.from(signature.value, 'base64url'))
  } catch {
    return false
  }
}
