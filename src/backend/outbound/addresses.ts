import { BlockList, isIP } from 'node:net'

/** IPv4 that is not the public internet: IANA's special-purpose registry, multicast and what is reserved. */
const notPublicV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const

/** What is special within IPv6's global unicast; the last two carry an IPv4 address inside, which could be any. */
const notPublicV6 = [
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['2001::', 23],
  ['2002::', 16],
] as const

const special = new BlockList()
for (const [net, bits] of notPublicV4) special.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of notPublicV6) special.addSubnet(net, bits, 'ipv6')

const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

const site = new BlockList()
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  site.addSubnet(net, bits, 'ipv4')
}
site.addSubnet('fc00::', 7, 'ipv6')
site.addAddress('::1', 'ipv6')

/**
 * Whether an address lies in the public internet.
 *
 * Loopback, private, link-local (the clouds' metadata among them), shared, multicast and reserved addresses do not,
 * nor does any that carries an IPv4 address inside an IPv6 one: mapped, compatible, NAT64, 6to4, Teredo.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !special.check(address, 'ipv4')
  return family === 6 && globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

/** Whether an address may be one of the site's own servers: private or this machine, but never link-local. */
export function isSiteAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  // BlockList would look an IPv4 address up inside a mapped one; here that is no address of the site.
  if (family === 6 && /^::ffff:/i.test(address)) return false
  return site.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
