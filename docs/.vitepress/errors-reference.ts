/**
 * Writes docs/reference/errors.md from the catalogue of errors: `npm run docs:errors`. Each code is a heading, so that
 * `errors#job-unknown` is a link that stays.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { format, resolveConfig } from 'prettier'
import { PARTS } from '../../packages/batchwright/src/cli/catalogue/index.ts'
import type { CatalogueEntry } from '../../packages/batchwright/src/cli/catalogue/index.ts'
import { exampleLine } from '../../packages/batchwright/src/cli/render/catalogue.ts'

/** The page's file. */
export const ERRORS_PAGE = path.resolve(import.meta.dirname, '../reference/errors.md')

const INTRODUCTION = `# Errors

Every error has a code, in its last line. \`batchwright explain CODE\` shows in the terminal what stands on this page: what the
error means, why it happens, what to do, and an example. How an error is laid out is told in
[reading an error](../guide/errors.md).

<!-- Written by \`npm run docs:errors\` from packages/batchwright/src/cli/catalogue. -->
`

/** What the page has to hold. */
export async function errorsPage(): Promise<string> {
  const parts = PARTS.map(({ title, entries }) =>
    [`## ${title}`, ...Object.entries(entries).map(([code, entry]) => section(code, entry))].join('\n\n'),
  )
  const text = [INTRODUCTION, ...parts].join('\n')
  return format(text, { ...(await resolveConfig(ERRORS_PAGE)), filepath: ERRORS_PAGE })
}

function section(code: string, entry: CatalogueEntry): string {
  return [
    `### ${code}`,
    `**${entry.title}.** ${entry.meaning}`,
    'Why it happens:',
    list(entry.causes),
    'What to do:',
    list(entry.remedies),
    ['```text', exampleLine(code, entry), '```'].join('\n'),
    'is mended by',
    ['```text', entry.example.remedy, '```'].join('\n'),
  ].join('\n\n')
}

function list(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${sentence}`).join('\n')
}

if (process.argv[1] === import.meta.filename) writeFileSync(ERRORS_PAGE, await errorsPage())
