/** What fails the build of the site. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { deadLinks } from '../../docs/.vitepress/dead-links.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-site-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
mkdirSync(path.join(folder, 'guide'))
writeFileSync(path.join(folder, 'index.html'), '<h1 id="top">Start</h1><a href="/site/guide/#restart">restart</a>')

/** Problems of a site whose guide holds this. */
function problemsOf(html: string): readonly string[] {
  writeFileSync(path.join(folder, 'guide/index.html'), `<h2 id="restart">Restart</h2>${html}`)
  return deadLinks(folder, '/site/')
}

test.for([
  [
    'links to pages, to places on them, and to other hosts are no problem',
    '<a href="/site/#top">a</a><a href="../">b</a><a href="https://example.com">c</a>',
    [],
  ],
  [
    'a link to a page that is not there is one',
    '<a class="x" href="/site/lost.html">a</a>',
    ['guide/index.html: /site/lost.html leads to no page'],
  ],
  [
    'a link to a place that is not there is one',
    '<a href="/site/#lost">a</a>',
    ['guide/index.html: /site/#lost: there is no "lost" on index.html'],
  ],
  ['a link out of the site is one', '<a href="/lost">a</a>', ['guide/index.html: /lost leads out of the site']],
  [
    'a font of another host is one',
    '<link rel="stylesheet" href="https://fonts.example/a.css">',
    ['guide/index.html: loads https://fonts.example/a.css from another host'],
  ],
] as const)('%s', ([, html, problems]) => {
  expect(problemsOf(html)).toEqual(problems)
})
