import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'

/** OWASP's minimum for scrypt; the work factors are part of the stored hash, so they can be raised later. */
const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 } as const

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, 32, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

/** Hashes a password as `scrypt$N$r$p$salt$key`, salt and key in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64'), key.toString('base64')].join('$')
}

/** Whether the password is the hashed one. Takes as long when there is no hash, so that users cannot be guessed. */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  if (hash === undefined) {
    await derive(password, Buffer.alloc(16), cost)
    return false
  }
  const [, n, r, p, salt, key] = hash.split('$')
  const expected = Buffer.from(key ?? '', 'base64')
  const actual = await derive(password, Buffer.from(salt ?? '', 'base64'), {
    N: Number(n),
    r: Number(r),
    p: Number(p),
    maxmem: cost.maxmem,
  })
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
