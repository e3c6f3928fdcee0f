/** Looks through the built site: every link must lead to a page that is there, and to a place on it. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

interface Built {
  readonly ids: ReadonlySet<string>
  readonly links: readonly string[]
  readonly outside: readonly string[]
}

/** Links that lead nowhere, and files that would be loaded from another host; each a sentence. */
export function deadLinks(folder: string, base: string): readonly string[] {
  const built = new Map<string, Built>()
  for (const file of globSync('**/*.html', { cwd: folder })) built.set(file, read(path.join(folder, file)))
  /** Each with the first page that has it. */
  const problems = new Map<string, string>()
  for (const [file, { links, outside }] of built) {
    for (const link of links) {
      const problem = problemOf(link, file, folder, base, built)
      if (problem !== null && !problems.has(problem)) problems.set(problem, file)
    }
    for (const address of outside) problems.set(`loads ${address} from another host`, file)
  }
  return Array.from(problems, ([problem, file]) => `${file}: ${problem}`)
}

function read(file: string): Built {
  const html = readFileSync(file, 'utf8')
  const all = (pattern: RegExp): string[] => Array.from(html.matchAll(pattern), ([, found = '']) => unescapeHtml(found))
  return {
    ids: new Set(all(/\sid="([^"]+)"/g)),
    links: all(/<a\b[^>]*?\shref="([^"]+)"/g),
    outside: all(/<(?:script|img|iframe|source)\b[^>]*?\ssrc="((?:https?:)?\/\/[^"]+)"/g).concat(
      all(/<link\b[^>]*?\shref="((?:https?:)?\/\/[^"]+)"/g),
    ),
  }
}

function problemOf(
  link: string,
  from: string,
  folder: string,
  base: string,
  built: ReadonlyMap<string, Built>,
): string | null {
  if (/^[a-z]+:/.test(link)) return null
  const { pathname, hash } = new URL(link, `http://site${base}${from}`)
  if (!pathname.startsWith(base)) return `${link} leads out of the site`
  const file = fileAt(folder, decodeURIComponent(pathname.slice(base.length)))
  if (file === null) return `${link} leads to no page`
  const id = decodeURIComponent(hash.slice(1))
  if (id === '' || built.get(file)?.ids.has(id) !== false) return null
  return `${link}: there is no "${id}" on ${file}`
}

function fileAt(folder: string, pathname: string): string | null {
  const candidates = [pathname, path.join(pathname, 'index.html'), `${pathname}.html`]
  return (
    candidates.find((file) => existsSync(path.join(folder, file)) && statSync(path.join(folder, file)).isFile()) ?? null
  )
}

function unescapeHtml(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'")
}
