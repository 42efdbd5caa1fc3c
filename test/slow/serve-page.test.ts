import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadServeSettings } from '../../src/serve/load.js'
import { serve, type Server } from '../../src/serve/server.js'
import { tinyTagger } from '../inference/tiny-tagger.js'
import { chromiumPath } from './chromium.js'
import { fromRoot } from './trained.js'

const executablePath = chromiumPath()

/** The tiny model finds entities in these letters. */
const names = 'ab caba 😀 bab cab abba. cc aa bcb b.'

describe.skipIf(executablePath === undefined)('the page in a browser', () => {
  let browser: Browser
  let folder: string
  let server: Server

  const start = async (token: string | null = null): Promise<Server> => {
    const settings = loadServeSettings(undefined, { model: folder, port: 0 })
    return serve({ ...settings, token, log: { ...settings.log, level: 'silent' } })
  }
  /** Everything that the page says to the console or cannot do, its policy's refusals among it. */
  let complaints: string[] = []

  async function open(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    const page = await browser.newPage(options)
    complaints = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (!/^(data:|http:\/\/127\.0\.0\.1)/.test(request.url())) complaints.push(`asks ${request.url()}`)
    })
    await page.addInitScript({ path: fromRoot('test/slow/in-page.js') })
    await page.goto(url)
    return page
  }
  /** Types into the text, and waits until the answer is shown. */
  async function type(page: Page, text: string): Promise<void> {
    const answered = page.waitForResponse((response) => response.url().endsWith('/v1/ner'))
    await page.locator('#text').fill(text)
    await answered
    await expect.poll(() => page.evaluate('checks.markedText()')).toBe(text)
  }
  const entitiesOf = async (text: string) => {
    const response = await fetch(`${server.address}/v1/ner`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    })
    const { results } = (await response.json()) as { results: { entities: { text: string; label: string }[] }[] }
    return results[0]!.entities.map(({ text, label }) => ({ text, label }))
  }
  const marks = (page: Page) => page.evaluate('checks.marks()')

  beforeAll(async () => {
    folder = await tinyTagger()
    server = await start()
    // Chromium's sandbox is not for root, as whom containers run.
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser.close()
    await server.close()
  })

  test('marks the entities of what is typed, and says how long it took', async () => {
    const page = await open(server.address)
    await type(page, names)
    const found = await entitiesOf(names)
    expect(found.length).toBeGreaterThan(2)
    expect(await marks(page)).toEqual(found)
    expect(await page.locator('#entities tr').count()).toBe(found.length)
    expect(await page.locator('#status').textContent()).toBe(`${found.length} entities.`)
    expect(await page.locator('.stage').count()).toBe(4)
    const facts = await page.locator('#facts').textContent()
    expect(facts).toContain(server.version)
    expect(facts).toContain('normal')
    await type(page, `${names} `)
    await type(page, names)
    expect(await page.locator('#facts .cache').textContent()).toBe('hit')
    expect(complaints).toEqual([])
    await page.close()
  })

  test('shows a text with markup as text', async () => {
    const page = await open(server.address)
    const text = 'ab <img src=x onerror="document.title=1"> <script>document.title=2</script> &lt;b&gt; caba <b>bab</b>'
    await type(page, text)
    expect(await page.locator('#marked').locator('img, script, b').count()).toBe(0)
    expect(await page.title()).not.toMatch(/^\d/)
    expect(complaints).toEqual([])
    await page.close()
  })

  test('shares a text in the fragment, which is not sent', async () => {
    const page = await open(server.address)
    const text = `${names}\n100 % <b>`
    await type(page, text)
    await page.locator('#share').click()
    await page.locator('#shared', { hasText: 'link' }).waitFor()
    const url = page.url()
    expect(new URL(url).pathname + new URL(url).search).toBe('/')
    const other = await open(url)
    await other.locator('mark').first().waitFor()
    expect(await other.locator('#text').inputValue()).toBe(text)
    expect(await marks(other)).toEqual(await entitiesOf(text))
    await page.close()
    await other.close()
  })

  test.each(['light', 'dark'] as const)(
    '%s, at 360 pixels: nothing is wider, and all can be read',
    async (colorScheme) => {
      const page = await open(server.address, { colorScheme, viewport: { width: 360, height: 740 } })
      await type(page, `${names} ${'a'.repeat(300)}`)
      expect(await page.evaluate('checks.width()')).toBeLessThanOrEqual(360)
      expect(await page.evaluate('checks.poorContrasts()')).toEqual([])
      await page.close()
    },
  )

  test('everything that takes input has a name, and is reached by the keyboard', async () => {
    const page = await open(server.address)
    for (const [role, name] of [
      ['textbox', 'Text'],
      ['button', 'Share a link'],
      ['region', 'Entities in the text'],
      ['region', 'Time by stage'],
    ] as const) {
      expect(await page.getByRole(role, { name }).count(), name).toBe(1)
    }
    await page.locator('#text').focus()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('checks.focused()')).toBe('share')
    await page.close()
  })

  test('asks for a token where the server does, and says what is wrong', async () => {
    const secured = await start('secret')
    try {
      const page = await open(secured.address)
      await page.locator('#failure', { hasText: 'token' }).waitFor()
      await page.locator('#token').fill('wrong')
      await page.keyboard.press('Enter')
      await page.locator('#failure', { hasText: 'serve/unauthorized' }).waitFor()
      await page.locator('#token').fill('secret')
      await page.keyboard.press('Enter')
      await page.locator('#facts', { hasText: server.version }).waitFor()
      expect(await page.locator('#failure').isVisible()).toBe(false)
      await page.close()
    } finally {
      await secured.close()
    }
  })
})
