/** The documentation's site: `npm run docs` builds it into docs/.vitepress/dist. Nothing in it comes from another host. */
import { defineConfig } from 'vitepress'
import { deadLinks } from './dead-links.ts'
import { extendMarkdown } from './markdown.ts'
import { NO_PAGES, pageOf, ROOT, sidebar } from './pages.ts'

/** Where the site will stand on its host. */
const BASE = process.env['DOCS_BASE'] ?? '/'

/** Set while pages are written that others link to already: dead links are told, and do not fail the build. */
const DRAFT = process.env['DOCS_DRAFT'] !== undefined

export default defineConfig({
  title: 'Batchwright',
  description: 'Restartable, partitioned, checked batch jobs in TypeScript',
  lang: 'en',
  base: BASE,
  srcDir: ROOT,
  srcExclude: NO_PAGES,
  rewrites: (file) => pageOf(file) ?? file,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  ignoreDeadLinks: DRAFT,
  markdown: { config: extendMarkdown },
  vite: {
    // Only the pages are watched: the repository is large.
    server: { watch: { ignored: ['**/packages/**', '**/test/**', '**/.git/**', '**/out/**'] } },
    build: { chunkSizeWarningLimit: 4000 },
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          searchOptions: {
            fuzzy: 0.2,
            prefix: true,
            boost: { title: 4, text: 2, titles: 1 },
            // What explains comes before what lists. It runs in the browser: nothing of this file is there.
            boostDocument: (page: string) =>
              /\/(?:tutorial|guide|concepts)\//.test(page)
                ? 3
                : /\/(?:errors|interfaces|type-aliases)\b/.test(page)
                  ? 0.5
                  : 1,
          },
        },
      },
    },
    outline: [2, 3],
    nav: [
      { text: 'Tutorial', link: '/tutorial/' },
      { text: 'Guides', link: '/guide/a-job' },
      { text: 'Concepts', link: '/concepts/' },
      { text: 'Command line', link: '/reference/cli' },
      { text: 'Library', link: '/reference/api/batchwright/' },
    ],
    sidebar: sidebar(),
    footer: { message: 'Apache-2.0' },
  },
  buildEnd: ({ outDir }) => {
    const problems = deadLinks(outDir, BASE)
    if (problems.length === 0) return
    const message = `links that lead nowhere:\n  ${problems.join('\n  ')}`
    if (!DRAFT) throw new Error(message)
    console.warn(message)
  },
})
