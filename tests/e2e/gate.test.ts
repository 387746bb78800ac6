import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { callAsAnotherWindow } from './another-window.ts'
import { pressOn, typeCode } from './key-events.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'
import { createOddScans, oddPasses } from './odd-passes.ts'
import { servePageAlone } from './page-alone.ts'
import { expectAccessible } from './look.ts'

const found = findChromium(process.env)
const chromiumPath = 'path' in found ? found.path : ''
const pictures = 'test-results/gate'
const shapes = [
  [1080, 1920],
  [1280, 800],
] as const
/** Pictures are taken in two shapes only; what fits is measured in all, and in what is left of each at twice the size. */
const allShapes = [...shapes, [1920, 1080], [540, 960], [640, 400], [960, 540]] as const

/** In both shapes of a screen: a picture, and nothing wider than the screen. */
async function picture(page: Page, name: string): Promise<void> {
  for (const [width, height] of shapes) {
    await page.setViewportSize({ width, height })
    await page.screenshot({ path: `${pictures}/${name}-${width}.png` })
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
  }
}

describe.skipIf('missing' in found)('what a gate tells a visitor (skipped where no Chromium is found)', () => {
  interface Faces {
    readonly isReady: boolean
    readonly views: readonly string[]
    readonly codes: readonly string[]
    readonly languages: readonly string[]
    readonly show: (name: string, language: string) => void
    readonly spilt: () => readonly string[]
  }

  it('fits every shape of a screen in every view, for every verdict and in every language', async () => {
    const [served, browser] = await Promise.all([
      servePageAlone('gate'),
      chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] }),
      mkdir(pictures, { recursive: true }),
    ])
    try {
      const page = await (await browser.newContext()).newPage()
      await page.goto(served.address)
      await page.waitForFunction(() => (window as unknown as Faces).isReady)
      const names = await page.evaluate(() => {
        const { views, codes } = window as unknown as Faces
        return [...views, ...codes]
      })
      // One of each tone and shape: the others differ in their words only.
      const checked = ['ready', 'checking', 'failed', 'admitted', 'used', 'blocked', 'offline_refer']
      for (const name of names) {
        await page.evaluate((one) => (window as unknown as Faces).show(one, 'en'), name)
        await picture(page, name)
        if (checked.includes(name)) await expectAccessible(page, name)
      }
      for (const [width, height] of allShapes) {
        await page.setViewportSize({ width, height })
        const spilt = await page.evaluate(() => {
          const faces = window as unknown as Faces
          const found: string[] = []
          for (const language of faces.languages) {
            for (const name of [...faces.views, ...faces.codes]) {
              faces.show(name, language)
              const parts = faces.spilt()
              if (parts.length > 0) found.push(`${name} in ${language}: ${parts.join(', ')}`)
            }
          }
          return found
        })
        expect(spilt, `${width}x${height}`).toEqual([])
      }
      // From afar and without colours a shape is a few grey dots; in and used and later and not valid and ask are told by them.
      const told = ['admitted', 'used', 'not_yet_valid', 'blocked', 'offline_refer', 'out_of_order']
      const dots: { readonly name: string; readonly isFilled: readonly boolean[] }[] = []
      for (const name of told) {
        await page.evaluate((one) => (window as unknown as Faces).show(one, 'en'), name)
        const shape = await page.locator('.gate-said .shape').screenshot()
        const grey = await sharp(shape).greyscale().normalise().resize(12, 12, { fit: 'fill' }).raw().toBuffer()
        const ground = grey[0] ?? 0
        dots.push({ name, isFilled: [...grey].map((dot) => Math.abs(dot - ground) > 96) })
      }
      for (const [index, one] of dots.entries())
        for (const other of dots.slice(index + 1)) {
          const differing = one.isFilled.filter((isFilled, dot) => isFilled !== other.isFilled[dot]).length
          expect(differing, `${one.name} and ${other.name}: so many of 144 dots differ`).toBeGreaterThanOrEqual(14)
        }
    } finally {
      await browser.close()
      await served.close()
    }
  })
})

/** What the gate showed at a moment. */
interface GateLook {
  readonly view: string
  readonly word: string
  /** The page's whole text. */
  readonly page: string
}

describe.skipIf('missing' in found)("the gate's screen (skipped where no Chromium is found)", () => {
  const tenantKey = 'key-of-acme'
  const passes = [
    'passId,value,status,entries',
    'good,0007-good,active,once',
    'late,0007-late,active,once',
    'barred,0008-barred,blocked,',
    'other,  0011 other ,active,once',
    ...oddPasses
      .split('\n')
      .slice(1)
      .map((row) => `${row},active,unlimited`),
  ].join('\n')
  let kiosk: Kiosk
  let page: Page
  let folder: string

  // One after the other at the same gate, as in a day of it.
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'capstan-gate-'))
    await writeFile(join(folder, 'passes.csv'), passes)
    await writeFile(join(folder, 'rules.json'), JSON.stringify({ '*': { graceMs: 0 } }))
    kiosk = await openKiosk({
      chromiumPath,
      catalogue: 'gtin,product_name,brand\n',
      backendArgs: [
        '--tenant',
        'acme',
        '--tenant-key',
        tenantKey,
        '--passes',
        join(folder, 'passes.csv'),
        '--gate-rules',
        join(folder, 'rules.json'),
      ],
    })
    page = kiosk.page
    await mkdir(pictures, { recursive: true })
    await page.getByRole('button', { name: 'Start session' }).waitFor()
    // A busy machine is no reason to decide without the site.
    expect(await callAsAnotherWindow(page, 'settings.change', { gate: { waitMs: 10_000 } })).toMatchObject({ ok: true })
  })
  afterAll(async () => {
    await kiosk?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const panel = () => page.getByRole('region', { name: 'Gate' })
  const save = async () => {
    await pressOn(panel().getByRole('button', { name: 'Save' }), 'Enter')
    await panel().getByRole('button', { name: 'Save', disabled: true }).waitFor()
  }
  const openGate = async (mode: 'Visitors alone' | 'Staff with visitors') => {
    await page.keyboard.press('Alt+6')
    await page.getByLabel('Name of the gate').fill('north')
    await pressOn(page.getByRole('radio', { name: mode }), 'Space')
    await pressOn(page.getByRole('button', { name: 'Open the gate' }), 'Enter')
    await page.locator('.gate-face').waitFor()
  }
  const closeGate = async (name: 'Staff' | 'Stop being a gate') => {
    // Not by Enter: right behind a scan it is taken for the scanner's second terminator.
    await page.getByRole('button', { name }).click()
    await page.getByRole('button', { name: 'Close this gate' }).click()
    await page.getByRole('heading', { name: 'Make this station a gate' }).waitFor()
  }
  const shows = async (word: string, code: string) => {
    await page.locator(`[data-code="${code}"]`).waitFor()
    await expect.poll(() => page.locator('.gate-word').textContent(), { timeout: 20_000 }).toBe(word)
  }
  const isOnline = () => page.locator('[data-site="online"][data-list="current"]').waitFor()

  it('is set up on screen, and what cannot be is not saved', async () => {
    await page.keyboard.press('Alt+5')
    await panel().getByLabel('Name of the gate').fill('south')
    await pressOn(panel().getByRole('radio', { name: 'Controller on the network' }), 'Space')
    expect(await panel().getByRole('alert').textContent()).toMatch(/^This cannot be saved/)
    expect(await panel().getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await panel().getByLabel('Address that opens it').fill('http://127.0.0.1:9/open')
    await pressOn(panel().getByRole('radio', { name: 'This station, recorded over the site' }), 'Space')
    await panel().getByLabel('Most people inside').fill('250')
    await panel().getByLabel('Kinds of passes that this gate takes').fill('day, season')
    await panel().scrollIntoViewIfNeeded()
    await picture(page, 'settings')
    await expectAccessible(page, 'settings')
    await save()
    await page.reload()
    await page.getByRole('navigation').waitFor()
    await page.keyboard.press('Alt+5')
    expect(await panel().getByLabel('Name of the gate').inputValue()).toBe('south')
    expect(await panel().getByLabel('Most people inside').inputValue()).toBe('250')
    expect(await panel().getByLabel('Kinds of passes that this gate takes').inputValue()).toBe('day, season')
    expect(await panel().getByLabel('Address that opens it').inputValue()).toBe('http://127.0.0.1:9/open')
    // For the gate of the tests below: no door and no limit, and a verdict stays until the next one is there.
    await pressOn(panel().getByRole('radio', { name: 'None' }), 'Space')
    await pressOn(panel().getByRole('radio', { name: /^The site/ }), 'Space')
    await panel().getByLabel('Most people inside').fill('')
    await panel().getByLabel('Kinds of passes that this gate takes').fill('')
    await panel().getByLabel('A pass lets in').selectOption('Any number of times')
    await panel().getByLabel('A verdict is shown for, in seconds').fill('60')
    await save()
  })

  it('gives the staff attendance, letting in and taking back with a reason, by the keyboard alone', async () => {
    await openGate('Staff with visitors')
    await isOnline()
    await kiosk.scan('0008-barred')
    await shows('Blocked', 'blocked')
    await pressOn(page.getByRole('button', { name: /^Let in/ }), 'Enter')
    await page.getByLabel('Reason, which is kept').pressSequentially('Knows him', { delay: 120 })
    await picture(page, 'override')
    await expectAccessible(page, 'override')
    await page.keyboard.press('Enter')
    await shows('Come in', 'overridden')
    await pressOn(page.getByRole('button', { name: /^Take back/ }), 'Enter')
    await page.getByLabel('Reason, which is kept').pressSequentially('Left', { delay: 120 })
    await page.keyboard.press('Enter')
    await page.getByText('Taken back').waitFor()
    await kiosk.scan('0007-late')
    await shows('Come in', 'admitted')
    await expect.poll(() => page.locator('.figure-strong dd').textContent()).toBe('1')
    await picture(page, 'staffed')
    await expectAccessible(page, 'staffed')
    await closeGate('Stop being a gate')
    await picture(page, 'start')
    await expectAccessible(page, 'start')
  })

  it('tells a visitor one word in the language that was chosen, the same on a display of its own, and forgets it', async () => {
    await openGate('Visitors alone')
    await isOnline()
    await expectAccessible(page, 'attract')
    expect(await page.getByRole('navigation').count()).toBe(0)
    const display = await page.context().newPage()
    await display.goto(new URL('/visitor', page.url()).href)
    await display.locator('.gate-face').waitFor()
    expect(await display.getByRole('navigation').count()).toBe(0)
    await page.bringToFront()
    await kiosk.scan('0007-good')
    await shows('Come in', 'admitted')
    await pressOn(page.getByRole('button', { name: 'Deutsch' }), 'Enter')
    await shows('Herein', 'admitted')
    await display.locator('[data-code="admitted"]').waitFor()
    expect(await display.locator('.gate-word').textContent()).toBe('Come in')
    await picture(display, 'visitor-display')
    await page.bringToFront()
    await kiosk.scan('0007-good')
    await shows('Schon benutzt', 'used')
    for (const [language, word] of [
      ['Français', 'Déjà utilisé'],
      ['Español', 'Ya usada'],
      ['Italiano', 'Già usato'],
      ['Nederlands', 'Al gebruikt'],
      ['English', 'Used before'],
    ] as const) {
      await pressOn(page.getByRole('button', { name: language }), 'Enter')
      await shows(word, 'used')
    }
    expect(await page.locator('.gate-before').textContent()).toMatch(/^Used at .+ at the gate north, by code\.$/)
    await kiosk.scan('0008-barred')
    await shows('Blocked', 'blocked')
    // The scanner has ended all its codes so far: half a code is nobody's, and both screens say what to do.
    await typeCode(await page.context().newCDPSession(page), '0007-go', [])
    await page.locator('[data-view="failed"]').waitFor()
    await display.locator('[data-view="failed"]').waitFor()
    expect(await display.locator('.gate-next').textContent()).toMatch(/^Your pass could not be checked/)
    await closeGate('Staff')
    await page.keyboard.press('Alt+5')
    await panel().getByLabel('A verdict is shown for, in seconds').fill('1')
    await panel().getByLabel('Asks whether anybody is there').fill('2')
    // A machine without a voice says so; one that has some says the verdict in the language of the visitor.
    await panel().getByText('This machine has no voice for: English, Deutsch').waitFor()
    await page.evaluate(
      (languages) => {
        const said: string[] = []
        const voices = languages.map((lang) => ({ lang, localService: lang !== 'nl-NL' }))
        const speak = ({ lang, text }: { lang: string; text: string }) => said.push(`${lang}: ${text}`)
        const speech = Object.assign(new EventTarget(), { getVoices: () => voices, speak, cancel: () => undefined })
        Object.defineProperty(window, 'speechSynthesis', { value: speech })
        Object.assign(window, {
          said,
          SpeechSynthesisUtterance: class {
            readonly text: string
            constructor(text: string) {
              this.text = text
            }
          },
        })
      },
      ['en-US', 'de-DE', 'fr-FR', 'es-ES', 'it-IT', 'nl-NL'],
    )
    await panel().getByLabel('Say what the screen shows').click({ force: true })
    await panel().getByText('This machine has no voice for: Nederlands').waitFor()
    await save()
    await openGate('Visitors alone')
    await page.setViewportSize({ width: 1080, height: 1920 })
    for (const name of ['Deutsch', 'Français', 'Nederlands']) {
      const box = await page.getByRole('button', { name }).boundingBox()
      expect(Number(box?.y), `${name} is in the lower half`).toBeGreaterThan(960)
    }
    // Each view lasts for a moment only: they are noted as they come.
    await page.evaluate(() => {
      const views: GateLook[] = []
      const note = () => {
        const view = document.querySelector<HTMLElement>('[data-view]')?.dataset['view'] ?? ''
        if (view === views.at(-1)?.view) return
        const word = document.querySelector('.gate-word')?.textContent ?? ''
        views.push({ view, word, page: document.documentElement.outerHTML })
      }
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true })
      Object.assign(window, { views })
    })
    await pressOn(page.getByRole('button', { name: 'Deutsch' }), 'Enter')
    await page.locator('.gate-face[lang="de"]').waitFor()
    await kiosk.scan('0008-barred')
    const said = () => page.evaluate(() => (window as unknown as { said: string[] }).said)
    await expect.poll(said).toContainEqual(expect.stringMatching(/^de-DE: Gesperrt\. /))
    await page.locator('[data-view="attract"]').waitFor()
    const views = await page.evaluate(() => (window as unknown as { views: readonly GateLook[] }).views)
    const after = views.slice(views.findLastIndex(({ view }) => view === 'result') + 1)
    expect(after.map(({ view, word }) => [view, word])).toEqual([
      ['ready', expect.any(String)],
      ['leaving', 'Noch da?'],
      ['attract', 'Welcome'],
    ])
    expect(after.map((each) => each.page).join('\n')).not.toContain('0008')
    expect((await said()).join('\n')).not.toMatch(/0008|Willkommen/)
    for (const one of [page, display]) {
      expect(await one.content()).not.toContain('0008')
      const kept = await one.evaluate(() =>
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
      )
      expect(kept).not.toMatch(/0008|Blocked|Deutsch/)
    }
    await display.close()
    await closeGate('Staff')
    expect(await kiosk.violations()).toEqual([])
  })

  it('carries every character of a pass to the tenant: over the relay, directly, by the site, and after being cut off', async () => {
    const odd = createOddScans({ url: () => kiosk.backend.url, key: tenantKey, scan: kiosk.scan })
    await odd.forget()
    const setUp = async (road: RegExp, more?: () => Promise<void>) => {
      await page.keyboard.press('Alt+5')
      await pressOn(panel().getByRole('radio', { name: road }), 'Space')
      await more?.()
      await panel().getByLabel('A verdict is shown for, in seconds').fill('60')
      await save()
      await openGate('Visitors alone')
    }
    await setUp(/^This station, recorded over the site/)
    await page.locator('[data-site="online"]').waitFor()
    await odd.scan()
    await shows('Come in', 'admitted')
    await odd.arrive()
    await closeGate('Staff')

    await setUp(/^This station, recorded directly/, async () => {
      await panel().getByLabel('Address of The Wallet Crew').fill(kiosk.backend.url)
      await panel().getByLabel('Tenant').fill('acme')
      await panel().getByLabel('Key of The Wallet Crew').fill(tenantKey)
      await pressOn(panel().getByRole('button', { name: 'Keep the key' }), 'Enter')
      await panel().getByText('Kept. A new one takes its place.').waitFor()
      expect(await panel().getByLabel('Key of The Wallet Crew').inputValue()).toBe('')
    })
    await odd.scan()
    await shows('Come in', 'admitted')
    await odd.arrive()
    await closeGate('Staff')

    await setUp(/^The site/)
    await isOnline()
    await odd.scan()
    await shows('Come in', 'admitted')
    await odd.arrive()
    await kiosk.stopBackend()
    await odd.scan()
    await shows('Come in', 'admitted')
    expect(await page.locator('.gate-site').textContent()).toMatch(/^Decided at this gate, by a list of /)
    await expectAccessible(page, 'offline')
    await page.getByLabel('Number on the pass').fill('  0011 other ')
    await page.keyboard.press('Enter')
    await shows('Come in', 'admitted')
    await kiosk.scan('nobody-has-it')
    await shows('Ask our staff', 'offline_unknown')
    await kiosk.startBackend()
    await odd.arrive(['other', '  0011 other '])
  })

  it('is closed without its station', async () => {
    await kiosk.stopStation()
    await page.locator('[data-view="out_of_order"]').waitFor()
    await expectAccessible(page, 'out of order')
  })
})
