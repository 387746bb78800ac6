import { chromium } from 'playwright-core'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import type { KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import { characterAt, strokesOf } from '#domain/keyboard-layouts.ts'
import { keyEvents } from './key-events.ts'
import { openKiosk } from './kiosk.ts'
import { servePageAlone } from './page-alone.ts'
import type { PageAlone } from './page-alone.ts'

interface Told {
  readonly scans: string[]
  readonly strange: unknown[]
  clicks: number
  submits: number
  readonly changes: string[]
}

const found = findChromium(process.env)
const code = '4006381333931'

describe.skipIf('missing' in found)('a keyboard scanner in the window (skipped where no Chromium is found)', () => {
  let served: PageAlone
  let browser: Browser
  let page: Page
  let keyboard: CDPSession

  beforeAll(async () => {
    served = await servePageAlone('wedge')
    browser = await chromium.launch({ executablePath: 'path' in found ? found.path : '', args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
  })
  beforeEach(async () => {
    await page?.close()
    page = await browser.newPage()
    keyboard = await page.context().newCDPSession(page)
    await page.goto(served.address)
    await page.waitForSelector('#controlled')
  })

  /** The keys of a burst, sent without waiting for the page between them, each with the time it was pressed. */
  async function scan(text: string, { gapMs = 8, suffix = 'Enter', startMs = Date.now() } = {}): Promise<void> {
    const names = [...text].concat(suffix === '' ? [] : [suffix])
    const sent = names.flatMap((name, index) => {
      const timestamp = (startMs + index * gapMs) / 1000
      return keyEvents(name).map((event) => keyboard.send('Input.dispatchKeyEvent', { ...event, timestamp }))
    })
    await Promise.all(sent)
  }

  /** The time so long ago, once there was a page then: an event from before a page's birth is dated at its birth. */
  async function pressedBefore(agoMs: number): Promise<number> {
    await page.waitForFunction((ageMs) => performance.now() > ageMs, agoMs)
    return Date.now() - agoMs
  }

  /** Presses keys as a person does, at a person's pace. */
  async function type(text: string, gapMs = 110): Promise<void> {
    for (const character of text) {
      await page.keyboard.press(character)
      await page.waitForTimeout(gapMs)
    }
  }

  const told = () => page.evaluate(() => (window as unknown as { told: Told }).told)
  const scans = async () => (await told()).scans
  const valueOf = (selector: string) =>
    page.$eval(selector, (field) =>
      field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement ? field.value : field.textContent,
    )

  it('is heard with nothing in focus, and one that is too slow to be known is not lost in silence', async () => {
    const startMs = await pressedBefore((code.length + 1) * 60)
    await scan(code, { gapMs: 60, startMs })
    await expect.poll(async () => (await told()).strange).toEqual([{ reason: 'slow', length: code.length }])
    expect(await scans()).toEqual([])
    await scan(code)
    await expect.poll(scans).toEqual([code])
  })

  it.each(['#controlled', '#area', '#pin', '#rich'])('leaves nothing of a burst in %s', async (field) => {
    await page.focus(field)
    await scan(code)
    await expect.poll(scans).toEqual([code])
    await scan('ABC abc !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', { suffix: 'Tab' })
    await expect.poll(async () => (await scans()).length).toBe(2)
    await scan('00012345', { suffix: '' })
    await expect.poll(async () => (await scans()).length).toBe(3)
    expect((await scans()).slice(1)).toEqual(['ABC abc !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', '00012345'])
    expect(await valueOf(field)).toBe('')
    expect(await told()).toMatchObject({ changes: [], submits: 0 })
    expect(await page.evaluate((selector) => document.activeElement?.matches(selector), field)).toBe(true)
  })

  it('presses no button, by Enter or by a space within the code', async () => {
    await page.focus('#button')
    await scan('AB 12 34 X')
    await expect.poll(scans).toEqual(['AB 12 34 X'])
    expect((await told()).clicks).toBe(0)
  })

  it('lets a person press the button and send the form', async () => {
    await page.focus('#button')
    await page.keyboard.press('Space')
    await page.waitForTimeout(150)
    await page.keyboard.press('Enter')
    await expect.poll(async () => (await told()).clicks).toBe(2)
    await page.focus('#controlled')
    await type('ok')
    await page.keyboard.press('Enter')
    await expect.poll(async () => (await told()).submits).toBe(1)
    expect(await scans()).toEqual([])
  })

  it.each(['#controlled', '#area', '#pin', '#rich'])(
    'gives back what a person types into %s, in order',
    async (field) => {
      await page.focus(field)
      await type('Hello, W0rld', 90)
      await expect.poll(() => valueOf(field)).toBe('Hello, W0rld')
      await type('abcdef', 60)
      await expect.poll(() => valueOf(field)).toBe('Hello, W0rldabcdef')
      expect(await scans()).toEqual([])
    },
  )

  it('keeps a controlled field and what its component knows the same', async () => {
    await page.focus('#controlled')
    await type('abc')
    await expect.poll(async () => (await told()).changes.at(-1)).toBe('abc')
    await page.keyboard.press('ArrowLeft')
    await type('X')
    await page.keyboard.press('Backspace')
    await type('Y')
    await expect.poll(() => valueOf('#controlled')).toBe('abYc')
    expect((await told()).changes.at(-1)).toBe('abYc')
  })

  it('hears a scan in the middle of typing and mixes neither into the other', async () => {
    await page.focus('#controlled')
    await type('before')
    await scan(code)
    await expect.poll(scans).toEqual([code])
    await type('after')
    await expect.poll(() => valueOf('#controlled')).toBe('beforeafter')
  })

  it('gives back what was typed to the field it was typed into, though the focus has moved on', async () => {
    await page.focus('#controlled')
    await keyboard.send('Input.dispatchKeyEvent', keyEvents('q')[0]!)
    await page.focus('#area')
    await expect.poll(() => valueOf('#controlled')).toBe('q')
    expect(await valueOf('#area')).toBe('')
    expect((await told()).changes).toEqual(['q'])
  })

  it('keeps the group separator typed as Ctrl+]', async () => {
    await page.focus('#controlled')
    await scan(`010400638133393110AB\u001d21XYZ`)
    await expect.poll(scans).toEqual([`010400638133393110AB\u001d21XYZ`])
    expect(await valueOf('#controlled')).toBe('')
  })

  it('hears a burst whole though the window stood still in the middle of it', async () => {
    await page.focus('#controlled')
    const stall = page.evaluate(() => {
      setTimeout(() => {
        const untilMs = performance.now() + 400
        while (performance.now() < untilMs);
      }, 0)
    })
    await Promise.all([scan(code), stall])
    await expect.poll(scans).toEqual([code])
    expect(await valueOf('#controlled')).toBe('')
  })

  it('hears a long code whole though a busy machine brings them late and in two parts', async () => {
    const long = Array.from({ length: 500 }, (_, index) => String.fromCharCode(0x21 + ((index * 7) % 90))).join('')
    const gapMs = 1
    const lateMs = 2_000
    const startMs = await pressedBefore(lateMs + long.length * gapMs)
    await scan(long.slice(0, 300), { gapMs, suffix: '', startMs })
    // Pressed without a pause, heard with one that is longer than any silence that ends a code.
    await page.waitForTimeout(600)
    expect(await scans()).toEqual([])
    await scan(long.slice(300), { gapMs, startMs: startMs + 300 * gapMs })
    await expect.poll(scans).toEqual([long])
  })

  it('leaves shortcuts to the window', async () => {
    await page.focus('#controlled')
    await type('abc')
    await page.keyboard.press('Control+a')
    await type('z')
    await expect.poll(() => valueOf('#controlled')).toBe('z')
  })

  /** Opens the page with other settings than the defaults. */
  async function open(settings: Readonly<Record<string, string>>): Promise<void> {
    await page.goto(`${served.address}?${new URLSearchParams(settings)}`)
    await page.waitForSelector('#controlled')
    await page.focus('#controlled')
  }

  type KeyEvent = Parameters<typeof keyboard.send<'Input.dispatchKeyEvent'>>[1] & object

  /** Sends events as fast as a scanner, without waiting for the page between them. */
  async function send(events: readonly KeyEvent[], gapMs = 8): Promise<void> {
    const startMs = Date.now()
    await Promise.all(
      events.map((event, index) =>
        keyboard.send('Input.dispatchKeyEvent', { ...event, timestamp: (startMs + index * gapMs) / 1000 }),
      ),
    )
  }

  /** The keys that a scanner set to one layout presses, as a machine set to another hears them. */
  function heardOn(host: KeyboardLayout, scanner: KeyboardLayout, text: string): KeyEvent[] {
    return [...text].flatMap((character): KeyEvent[] => {
      const strokes =
        character === '\u001d' ? [{ code: 'BracketRight', shift: false, altGraph: false, ctrl: true }] : undefined
      return (strokes ?? strokesOf(scanner, character) ?? []).flatMap((stroke): KeyEvent[] => {
        const isControl = 'ctrl' in stroke
        const typed = characterAt(host, stroke.code, stroke)
        const key = typed?.dead ? 'Dead' : (typed?.character ?? 'Unidentified')
        const modifiers = (stroke.shift ? 8 : 0) + (isControl ? 2 : 0)
        const common = { code: stroke.code, key, modifiers }
        const text = typed && !typed.dead && !isControl ? { text: key } : {}
        return [
          { ...common, ...text, type: 'keyDown' },
          { ...common, type: 'keyUp' },
        ]
      })
    })
  }

  it.each(['de', 'fr', 'cz', 'tr', 'jp'] as const)(
    'reads a scanner set to US on a machine set to %s, and leaves nothing of it in the field',
    async (host) => {
      await open({ scannerLayout: 'us' })
      const link = 'https://id.example.org/01/04006381333931/10/AB-C_1?17=261231&x=(y)\u001d#Zz'
      await send([...heardOn(host, 'us', link), ...keyEvents('Enter')])
      await expect.poll(scans).toEqual([link])
      expect(await valueOf('#controlled')).toBe('')
      expect(await told()).toMatchObject({ changes: [], submits: 0, strange: [] })
    },
  )

  it('gives a person the letters of the machine, whatever layout the scanner has', async () => {
    await open({ scannerLayout: 'us' })
    for (const [key, code] of [
      ['z', 'KeyY'],
      ['ö', 'Semicolon'],
      ['y', 'KeyZ'],
    ] as const) {
      await send([
        { type: 'keyDown', key, code, text: key },
        { type: 'keyUp', key, code },
      ])
      await page.waitForTimeout(120)
    }
    await expect.poll(() => valueOf('#controlled')).toBe('zöy')
    expect(await scans()).toEqual([])
  })

  it('says that a burst cannot be told, and leaves nothing of it, when it holds a key that no code contains', async () => {
    await page.focus('#controlled')
    const key = { key: 'F12', code: 'F12' }
    await send([
      ...[...'010400638133393110AB'].flatMap(keyEvents),
      { ...key, type: 'rawKeyDown' },
      { ...key, type: 'keyUp' },
      ...[...'21XYZ', 'Enter'].flatMap(keyEvents),
    ])
    await expect
      .poll(async () => (await told()).strange)
      .toEqual([{ reason: 'unknown_key', keyName: 'F12', length: 25 }])
    expect(await scans()).toEqual([])
    expect(await valueOf('#controlled')).toBe('')
    await open({ groupSeparator: 'f12' })
    await send([
      ...[...'010400638133393110AB'].flatMap(keyEvents),
      { ...key, type: 'rawKeyDown' },
      { ...key, type: 'keyUp' },
      ...[...'21XYZ', 'Enter'].flatMap(keyEvents),
    ])
    await expect.poll(scans).toEqual(['010400638133393110AB\u001d21XYZ'])
  })

  it('says that a burst cannot be told, when the window lost the focus in the middle of it', async () => {
    await page.focus('#controlled')
    await scan('4006381', { suffix: '' })
    await page.evaluate(() => window.dispatchEvent(new FocusEvent('blur')))
    await expect.poll(async () => (await told()).strange).toEqual([{ reason: 'interrupted', length: 7 }])
    expect(await scans()).toEqual([])
    expect(await valueOf('#controlled')).toBe('')
  })

  it('says that a burst cannot be told, when an input method took its keys', async () => {
    await page.focus('#controlled')
    const process = { key: 'Process', windowsVirtualKeyCode: 229 }
    await send(
      [...'40063813', 'Enter'].flatMap((name): KeyEvent[] => {
        const code = name === 'Enter' ? 'Enter' : `Digit${name}`
        return [{ ...process, code, type: 'rawKeyDown' }]
      }),
    )
    await expect.poll(async () => (await told()).strange).toEqual([{ reason: 'input_method', length: 8 }])
    expect(await scans()).toEqual([])
  })

  it('keeps a burst whole whose focus moves to another field, and leaves nothing in either', async () => {
    await page.focus('#controlled')
    const startMs = Date.now()
    await scan(code.slice(0, 6), { suffix: '', startMs })
    await page.focus('#area')
    await scan(code.slice(6), { startMs: startMs + 6 * 8 })
    await expect.poll(scans).toEqual([code])
    expect(await valueOf('#controlled')).toBe('')
    expect(await valueOf('#area')).toBe('')
  })

  /** Alt, the digits on the keypad, Alt let go, and what Windows types then. */
  function altCode(character: string): KeyEvent[] {
    const alt = { key: 'Alt', code: 'AltLeft', windowsVirtualKeyCode: 18 }
    const digits = `0${character.charCodeAt(0)}`
    const isPrintable = character >= ' '
    return [
      { ...alt, type: 'rawKeyDown', modifiers: 1 },
      ...[...digits].flatMap((digit): KeyEvent[] => {
        const key = { key: digit, code: `Numpad${digit}`, modifiers: 1, isKeypad: true }
        return [
          { ...key, type: 'rawKeyDown' },
          { ...key, type: 'keyUp' },
        ]
      }),
      { ...alt, type: 'keyUp' },
      ...(isPrintable ? [{ type: 'char' as const, text: character, key: character, code: '' }] : []),
    ]
  }

  it('reads characters sent as Alt and a number, and leaves nothing of what the system makes of them', async () => {
    await page.focus('#controlled')
    await send([...[...'0104006381\u001dAb#'].flatMap(altCode), ...keyEvents('Enter')], 4)
    await expect.poll(scans).toEqual(['0104006381\u001dAb#'])
    expect(await valueOf('#controlled')).toBe('')
  })

  it('lets a person type Alt and a number', async () => {
    await page.focus('#controlled')
    for (const event of [...altCode('A'), ...altCode('#')]) {
      await send([event])
      await page.waitForTimeout(event.type === 'rawKeyDown' ? 120 : 0)
    }
    await expect.poll(() => valueOf('#controlled')).toBe('A#')
    expect(await scans()).toEqual([])
  })
})

describe.skipIf('missing' in found)('a burst that cannot be told (skipped where no Chromium is found)', () => {
  it('is an alarm on every screen, saved nowhere, and gone with the next good scan', async () => {
    const kiosk = await openKiosk({
      chromiumPath: 'path' in found ? found.path : '',
      catalogue: 'gtin,product_name,brand,net_content\n',
    })
    try {
      const { page } = kiosk
      await page.getByRole('button', { name: 'Start session' }).waitFor()
      const keyboard = await page.context().newCDPSession(page)
      const strange = async () => {
        const startMs = Date.now()
        const f12 = { key: 'F12', code: 'F12' }
        const events = [
          ...[...'010400638133393110AB'].flatMap(keyEvents),
          { ...f12, type: 'rawKeyDown' as const },
          { ...f12, type: 'keyUp' as const },
          ...[...'21XYZ', 'Enter'].flatMap(keyEvents),
        ]
        const sent = events.map((event, index) =>
          keyboard.send('Input.dispatchKeyEvent', { ...event, timestamp: (startMs + index * 4) / 1000 }),
        )
        await Promise.all(sent)
      }
      const alarm = page.getByRole('alert').filter({ hasText: 'A scan was NOT saved' })
      await strange()
      await alarm.getByText('The scanner typed F12 in the middle of the code.').waitFor()
      await kiosk.scan(code)
      await page.getByRole('region', { name: 'Last scan' }).waitFor()
      await expect.poll(() => alarm.count()).toBe(0)
      await strange()
      await alarm.waitFor()
      const rows = page.getByRole('region', { name: 'Scans' }).getByRole('listitem')
      await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(1)
      await page.screenshot({ path: 'test-results/wedge/strange-burst.png' })
      await alarm.getByRole('button', { name: 'Put away' }).click()
      await expect.poll(() => alarm.count()).toBe(0)
      expect(await kiosk.violations()).toEqual([])
    } finally {
      await kiosk.close()
    }
  })
})
