import { existsSync } from 'node:fs'

/** The browser of NER_TEST_CHROMIUM, or where Debian puts it; where there is none, says so. */
export function chromiumPath(): string | undefined {
  const path = process.env['NER_TEST_CHROMIUM'] ?? '/usr/bin/chromium'
  if (existsSync(path)) return path
  console.warn(`skipped: there is no Chromium at ${path}; NER_TEST_CHROMIUM names one`)
  return undefined
}
