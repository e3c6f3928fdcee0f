/** What this site does with Markdown beyond the generator: links as the repository has them, names of files over blocks, pictures. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { MarkdownRenderer } from 'vitepress'
import { pageOf, ROOT } from './pages.ts'

interface Rendering {
  /** The page's file, before it was moved to its place in the site. */
  readonly realPath?: string
  readonly path: string
}

export function extendMarkdown(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('repository', (state) => {
    // The border to the renderer, whose environment has no type: the generator puts these paths there.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    const { realPath, path: place } = state.env as Rendering
    const folder = path.dirname(realPath ?? place)
    for (const token of state.tokens) {
      if (token.type === 'fence') nameBlock(token)
      const parts = token.children ?? []
      for (const [at, part] of parts.entries()) {
        if (part.type !== 'link_open' || moveLink(part, folder)) continue
        const end = parts.findIndex((each, index) => index > at && each.type === 'link_close')
        asText(part, parts[end])
      }
    }
  })
  showNames(markdown)
  showPictures(markdown)
}

interface Token {
  type: string
  tag: string
  attrs: [string, string][] | null
  info: string
  meta: unknown
  attrGet(name: string): string | null
  attrSet(name: string, value: string): void
}

/**
 * Links are written as they lie in the repository, so that they lead somewhere there too. Pages have moved in the site.
 * False of a link to a file of the repository that is no page of the site.
 */
function moveLink(link: Token, folder: string): boolean {
  const href = link.attrGet('href') ?? ''
  if (href === '' || href.startsWith('#') || /^[a-z]+:/.test(href)) return true
  const [, target = '', anchor = ''] = /^([^#]*)(#.*)?$/.exec(href) ?? []
  const file = path.relative(ROOT, path.resolve(folder, target))
  const page = pageOf(existsSync(path.join(ROOT, file, 'README.md')) ? path.join(file, 'README.md') : file)
  if (page === null) return !existsSync(path.join(ROOT, file))
  link.attrSet('href', `/${page}${anchor}`)
  return true
}

/** What the link says, without the link. */
function asText(...ends: readonly (Token | undefined)[]): void {
  for (const [index, end] of ends.entries()) {
    if (end === undefined) continue
    end.type = index === 0 ? 'text_open' : 'text_close'
    end.tag = 'span'
    end.attrs = null
  }
}

/** `ts [jobs/orders.ts] wrong`: the generator is given the language alone, the name is kept for the line above the block. */
function nameBlock(token: Token): void {
  const [, language = 'text', rest = ''] = /^(\w*)\s*(.*)$/.exec(token.info) ?? []
  const [, name] = /\[([^\]]+)\]/.exec(rest) ?? []
  token.info = language
  token.meta = name?.replace(/^part of /, '') ?? null
}

function showNames(markdown: MarkdownRenderer): void {
  const fence = markdown.renderer.rules.fence
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index]
    if (token?.info === 'console') return session(markdown, token.content)
    const block = fence?.(tokens, index, ...rest) ?? ''
    const name: unknown = token?.meta
    if (typeof name !== 'string') return block
    return `<div class="named-block"><div class="file-name" v-pre>${markdown.utils.escapeHtml(name)}</div>${block}</div>`
  }
}

/** A session by hand: highlighters take everything that a command says for one string. */
function session({ utils }: MarkdownRenderer, text: string): string {
  const lines = text.trimEnd().split('\n')
  const shown = lines.map((line, index) => {
    const typed = line.startsWith('$ ') || (line.startsWith('> ') && lines[index - 1]?.endsWith('\\') === true)
    if (!typed) return `<span class="line said">${utils.escapeHtml(line)}</span>`
    const [command = '', comment = ''] = line.slice(2).split(/(?=\s+# exit code )/)
    const rest = comment === '' ? '' : `<span class="said">${utils.escapeHtml(comment)}</span>`
    return `<span class="line"><span class="prompt">${line.slice(0, 2)}</span><span class="typed">${utils.escapeHtml(command)}</span>${rest}</span>`
  })
  return `<div class="language-console session"><pre v-pre><code>${shown.join('\n')}</code></pre></div>`
}

/** Pictures stand in the page itself, so that they take its colours, in light and in dark. */
function showPictures(markdown: MarkdownRenderer): void {
  const image = markdown.renderer.rules.image
  markdown.renderer.rules.image = (tokens, index, options, environment: Rendering, self) => {
    const source = tokens[index]?.attrGet('src') ?? ''
    const file = path.resolve(path.dirname(environment.realPath ?? environment.path), source)
    if (!source.endsWith('.svg') || !existsSync(file)) return image?.(tokens, index, options, environment, self) ?? ''
    const svg = readFileSync(file, 'utf8')
      .replace(/<\?xml.*?\?>|<!--[\s\S]*?-->|<style>[\s\S]*?<\/style>/g, '')
      .replace('<svg', `<svg role="img" aria-label="${markdown.utils.escapeHtml(tokens[index]?.content ?? '')}"`)
    return `<span class="picture" v-pre>${svg.trim()}</span>`
  }
}
