import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPublicAddress, isSiteAddress } from '#backend/outbound/addresses.ts'

describe('a public address', () => {
  it('is one of the internet at large', () => {
    for (const address of [
      '1.1.1.1',
      '93.184.216.34',
      '172.15.255.255',
      '172.32.0.1',
      '100.63.0.1',
      '2606:4700::1111',
    ]) {
      expect(isPublicAddress(address), address).toBe(true)
    }
  })

  it('is none that is private, loopback, link-local, metadata, shared, reserved or multicast', () => {
    for (const address of [
      '0.0.0.0',
      '10.0.0.1',
      '10.255.255.255',
      '100.64.0.1',
      '100.100.100.200',
      '127.0.0.1',
      '127.255.255.254',
      '169.254.169.254',
      '169.254.170.2',
      '172.16.0.1',
      '172.31.255.255',
      '192.0.0.192',
      '192.168.1.1',
      '198.18.0.1',
      '203.0.113.9',
      '224.0.0.1',
      '239.255.255.255',
      '240.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      'fe80::1',
      'febf::1',
      'fec0::1',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
      '2001:db8::1',
    ]) {
      expect(isPublicAddress(address), address).toBe(false)
    }
  })

  it('is none that carries an IPv4 address inside an IPv6 one, whichever that is', () => {
    for (const prefix of ['::ffff:', '::', '64:ff9b::', '64:ff9b:1::', '2002:', '2001:0:', '::ffff:0:']) {
      for (const inner of ['7f00:1', 'a9fe:a9fe', '0a00:1', '0808:0808']) {
        expect(isPublicAddress(prefix + inner), prefix + inner).toBe(false)
      }
    }
    expect(isPublicAddress('::ffff:127.0.0.1')).toBe(false)
    expect(isPublicAddress('::ffff:169.254.169.254')).toBe(false)
  })

  it('is never any text that is no address', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 40 }).filter((text) => !/^[\d.:a-f]+$/i.test(text)),
        (text) => !isPublicAddress(text) && !isSiteAddress(text),
      ),
    )
  })

  it('is never one of the site', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => !(isPublicAddress(address) && isSiteAddress(address))),
      { numRuns: 2_000 },
    )
  })
})

describe('an address of the site', () => {
  it('is private or this machine, and never link-local or mapped', () => {
    for (const address of ['10.0.0.8', '127.0.0.1', '172.20.0.1', '192.168.7.7', '::1', 'fd12::1']) {
      expect(isSiteAddress(address), address).toBe(true)
    }
    for (const address of [
      '169.254.169.254',
      'fe80::1',
      '0.0.0.0',
      '224.0.0.1',
      '1.1.1.1',
      '::ffff:10.0.0.8',
      '::ffff:a00:1',
    ]) {
      expect(isSiteAddress(address), address).toBe(false)
    }
  })
})
