/** Cases of one topic, and the book of what is said to each: a text file to be read, kept beside the tests. */
import { expect, test } from 'vitest'
import { Shop } from './shop.ts'

export interface Case {
  /** What a user did. */
  readonly what: string
  readonly files?: Readonly<Record<string, string>>
  /** Says what came of it: most often `(shop) => shop.type('run orders')`. */
  readonly told: (shop: Shop) => Promise<string> | string
}

/** One test a case; all of them against one book. */
export function book(name: string, cases: readonly Case[]): void {
  const pages = new Map<string, string>()
  test.each(cases)('$what', async ({ what, files, told }) => {
    using shop = new Shop(files)
    const text = await told(shop)
    expect(text).toMatch(/^\$ batchwright/)
    pages.set(what, `${what}\n\n${text}`)
  })
  test(`what is said stands in said/${name}.txt`, async () => {
    const text = cases.map(({ what }) => pages.get(what) ?? `${what}\n\n(failed)\n`).join(`\n${'-'.repeat(79)}\n\n`)
    await expect(text).toMatchFileSnapshot(`said/${name}.txt`)
  })
}
