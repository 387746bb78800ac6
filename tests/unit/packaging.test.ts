import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../../packaging/', import.meta.url))
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

/** The settings of a unit file, by section and name, as systemd reads them: a name may be there more than once. */
function readUnit(text: string): Map<string, string[]> {
  const settings = new Map<string, string[]>()
  let section = ''
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const heading = /^\[(\w+)\]$/.exec(line)?.[1]
    const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (heading !== undefined) section = heading
    else if (name === '') throw new Error(`no setting: ${line}`)
    else settings.set(`${section}.${name}`, [...(settings.get(`${section}.${name}`) ?? []), value])
  }
  return settings
}

/** Why a text is no well-formed XML as far as its tags go; null when it is. */
function faultOfXml(text: string): string | null {
  const open: string[] = []
  const bare = text.replaceAll(/<!--(?:(?!--)[\s\S])*-->|<\?xml[^?]*\?>|<!DOCTYPE[^>]*>/g, '')
  for (const [tag, isEnd, name = '', rest = ''] of bare.matchAll(/<(\/?)([\w:.-]+)([^<>]*)>/g)) {
    if (isEnd === '/') {
      if (open.pop() !== name) return `${tag} ends nothing`
      continue
    }
    if (!/^(?:\s+[\w:.-]+="[^"<&]*")*\s*\/?$/.test(rest)) return `the attributes of ${tag}`
    if (!rest.endsWith('/')) open.push(name)
  }
  if (/[<>]/.test(bare.replaceAll(/<[^<>]*>/g, ''))) return 'a lone bracket'
  return open.length === 0 ? null : `${open.join(', ')} never end`
}

describe('the unit of the Linux kiosk', () => {
  const unit = readUnit(read('linux/capstan-kiosk.service'))

  it('runs Capstan in cage, as a user of its own without rights, and without a way to another terminal', () => {
    const [command = ''] = unit.get('Service.ExecStart') ?? []
    expect(command).toMatch(/^\/usr\/bin\/cage -d -- \/usr\/bin\/capstan --kiosk --data \/var\/lib\/capstan/)
    // With -s, cage lets people switch terminals.
    expect(command.split(' -- ')[0]).not.toContain('-s')
    expect(unit.get('Service.User')).toEqual(['capstan'])
    expect(read('linux/capstan.sysusers')).toMatch(/^u capstan - .*\/usr\/sbin\/nologin$/m)
  })

  it('is watched, started again after a fault and not after an end on purpose, and gives up a loop', () => {
    expect(unit.get('Service.Type')).toEqual(['notify'])
    expect(unit.get('Service.NotifyAccess')).toEqual(['all'])
    expect(Number(unit.get('Service.WatchdogSec')?.[0])).toBeGreaterThanOrEqual(20)
    expect(unit.get('Service.Restart')).toEqual(['on-failure'])
    expect(unit.get('Unit.StartLimitBurst')).toEqual(['5'])
  })

  it('has the key of the data from a credential where there is one, and starts without', () => {
    // With a path, systemd does not start a unit whose credential is not there.
    const [name = ''] = unit.get('Service.LoadCredentialEncrypted') ?? []
    expect(name).toBe('capstan-data-key')
    expect(unit.get('Service.Environment')).toContain(`CAPSTAN_DATA_KEY_FILE=%d/${name}`)
    expect(read('README.md')).toContain(`--name=${name} - /etc/credstore.encrypted/${name}`)
  })

  it('leaves Chromium the namespaces that its own sandbox is made of', () => {
    for (const name of ['RestrictNamespaces', 'PrivateDevices', 'MemoryDenyWriteExecute', 'SystemCallFilter'])
      expect(unit.has(`Service.${name}`)).toBe(false)
  })

  it('is hardened in all else', () => {
    for (const name of [
      'NoNewPrivileges',
      'ProtectHome',
      'ProtectKernelModules',
      'RestrictSUIDSGID',
      'LockPersonality',
    ])
      expect([name, unit.get(`Service.${name}`)]).toEqual([name, ['yes']])
    expect(unit.get('Service.ProtectSystem')).toEqual(['strict'])
    expect(unit.get('Service.CapabilityBoundingSet')).toEqual([''])
  })

  it.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)(
    'is sound for systemd-analyze (skipped where there is none)',
    () => {
      const temporary = mkdtempSync(join(tmpdir(), 'capstan-unit-'))
      try {
        // What it runs need not be on this machine.
        const path = join(temporary, 'capstan-kiosk.service')
        writeFileSync(path, read('linux/capstan-kiosk.service').replace('/usr/bin/cage', '/bin/true'))
        const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' })
        expect(stderr.split('\n').filter((line) => line.includes('capstan-kiosk'))).toEqual([])
      } finally {
        rmSync(temporary, { recursive: true })
      }
    },
  )
})

describe('the recipes for other systems', () => {
  it.each(['windows/assigned-access.xml', 'windows/shell-launcher.xml', 'macos/com.capstan.station.plist'])(
    '%s is well formed and starts Capstan as a kiosk',
    (name) => {
      expect(faultOfXml(read(name))).toBeNull()
      expect(read(name)).toContain('--kiosk')
    },
  )

  it.each(['<a><b></a></b>', '<a', '<a x=1></a>', '<a>', '</a>', '<a> < </a>'])('the check would find %s', (text) => {
    expect(faultOfXml(text)).not.toBeNull()
  })

  it('name profiles that are there', () => {
    for (const name of ['windows/assigned-access.xml', 'windows/shell-launcher.xml']) {
      const ids = [...read(name).matchAll(/Id="(\{[0-9a-f-]{36}\})"/g)].map(([, id]) => id)
      expect([new Set(ids).size, ids.length]).toEqual([1, 2])
    }
  })

  it('are all named in the README, and the README names none that is not there', () => {
    const readme = read('README.md')
    for (const system of ['linux', 'windows', 'macos'])
      for (const name of readdirSync(join(folder, system))) expect(readme).toContain(name)
    for (const [, name = ''] of readme.matchAll(/[\\/ `](?:linux|windows|macos)[\\/]([\w.-]+)/g))
      expect(['linux', 'windows', 'macos'].some((system) => existsSync(join(folder, system, name)))).toBe(true)
  })
})

describe('the table of docs/security.md', () => {
  const text = readFileSync(join(folder, '../docs/security.md'), 'utf8')

  it('has every item once, in order', () => {
    const items = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number))
    expect(items).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
  })

  it('names tests that are there', () => {
    const named = [...text.matchAll(/`([\w-]+(?:\/[\w*-]+)+\.test\.ts)`/g)].map(([, name = '']) => name)
    expect(named.length).toBeGreaterThan(40)
    for (const name of named) expect([name, globSync(join(folder, '../tests', name)).length]).not.toEqual([name, 0])
  })

  it.each(['security.md', 'accessibility.md'])('names, in %s, parts of titles that those tests have', (page) => {
    const words = readFileSync(join(folder, '../docs', page), 'utf8')
    const named = [...words.matchAll(/`([\w-]+(?:\/[\w-]+)+\.test\.ts)` \(\*([^*]+)\*\)/g)]
    expect(named.length).toBeGreaterThan(4)
    for (const [, name = '', title = ''] of named)
      expect([name, title, readFileSync(join(folder, '../tests', name), 'utf8').includes(title)]).toEqual([
        name,
        title,
        true,
      ])
  })
})
