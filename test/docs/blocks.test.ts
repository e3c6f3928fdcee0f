/** The rules by which pages are run. */
import { describe, expect, test } from 'vitest'
import { readCommands, readPage, readSession } from './blocks.ts'
import { matches } from './compare.ts'
import { makeEnvironment } from './environment.ts'
import { runPage } from './page-run.ts'
import { updated } from './update.ts'

const environment = makeEnvironment()
let count = 0

/** Runs a page of these lines; each mistake as `line: message`. */
async function mistakesOf(...lines: readonly string[]): Promise<readonly string[]> {
  count += 1
  const mistakes = await runPage(environment, readPage(`page-${count}.md`, lines.join('\n')))
  return mistakes.map(({ line, message }) => `${line}: ${message}`)
}

const FENCE = '```'

describe('a page', () => {
  test('that says what happens has no mistake', async () => {
    const page = [
      `${FENCE}text [a.txt]`,
      'hello',
      FENCE,
      '',
      `${FENCE}console`,
      '$ cat a.txt',
      'hello',
      '$ false  # exit code 1',
    ]
    expect(await mistakesOf(...page, FENCE)).toEqual([])
  })

  test('that shows what a command does not say is wrong at the line of the command', async () => {
    const [mistake] = await mistakesOf('A page.', `${FENCE}console`, '$ echo one', 'two', FENCE)
    expect(mistake).toMatch(/^3: echo one: it says something else\none$/)
  })

  test('with a command that fails is wrong, and ends there', async () => {
    const mistakes = await mistakesOf(`${FENCE}sh`, 'echo lost >&2; exit 3', 'touch never', FENCE)
    expect(mistakes).toEqual(['2: echo lost >&2; exit 3: expected it to end with 0, it ended with 3\nlost'])
  })

  test('with a fence that does not say what it is, is wrong', async () => {
    const [mistake] = await mistakesOf(FENCE, 'npm start', FENCE)
    expect(mistake).toMatch(/^1: expected a fence of ts, sh, console/)
  })

  test('with JSON that is none is wrong', async () => {
    const [mistake] = await mistakesOf(`${FENCE}json`, '{ "a": }', FENCE)
    expect(mistake).toMatch(/^1: this is no json/)
  })

  test('with a part that does not stand in its file is wrong', async () => {
    const [mistake] = await mistakesOf(`${FENCE}json [part of package.json]`, '"private": false', FENCE)
    expect(mistake).toBe('1: this does not stand in package.json')
  })

  test('with a module that throws when it is loaded is wrong', async () => {
    const [mistake] = await mistakesOf(`${FENCE}ts`, "throw new Error('at once')", FENCE)
    expect(mistake).toContain('at once')
  })
})

describe('what is said matches what is shown', () => {
  test('apart from run ids, digests, times, rates and the width of columns', () => {
    const shown = ['run 1m7yh5s3qjsbgtbrse  took 1.2 s, at 2026-11-21 07:47:16Z', '  5,000 records/s  clean']
    const said = ['run 1m7zzzzzzzzzzzzzzz  took 350 ms, at 2027-01-01 00:00:00Z', '  80 records/s      clean', '']
    expect(matches(shown, said)).toBe(true)
  })

  test('apart from shares and rates beside a time, and from bars', () => {
    expect(matches(['clean  12  0.5 s  24', '██░ 1.5 s 40.0 %'], ['clean  12  2.5 s  1,024', '█ 2 s   7.1 %'])).toBe(
      true,
    )
    expect(matches(['clean  12  0.5 s'], ['clean  13  0.5 s'])).toBe(false)
  })

  test('but not apart from counts and words', () => {
    expect(matches(['read 10'], ['read 11'])).toBe(false)
    expect(matches(['2026-03-01'], ['2026-03-02'])).toBe(false)
  })

  test('where an ellipsis stands for any text, or for any lines', () => {
    expect(matches(['a … c'], ['a b b c'])).toBe(true)
    expect(matches(['first', '…', 'last'], ['first', '2', '3', 'last'])).toBe(true)
    expect(matches(['first', '…', 'last'], ['first', '2', '3'])).toBe(false)
  })
})

describe('commands', () => {
  test('go on over lines', () => {
    const { blocks } = readPage('p.md', [`${FENCE}console`, '$ echo a \\', '> b', 'a b', FENCE].join('\n'))
    expect(blocks.flatMap(readSession)).toEqual([{ line: 3, command: 'echo a \\\nb', exitCode: 0, output: ['a b'] }])
  })

  test('without output stand a line each, comments between them', () => {
    const { blocks } = readPage('p.md', [`${FENCE}sh`, '# first', 'true', 'false  # exit code 1', FENCE].join('\n'))
    expect(blocks.flatMap(readCommands).map(({ command, exitCode }) => [command, exitCode])).toEqual([
      ['true', 0],
      ['false', 1],
    ])
  })
})

test('what commands say takes the place of what was shown', () => {
  const page = ['Text.', `${FENCE}console`, '$ one', 'old', 'old', '$ two', 'kept', FENCE, 'Text.'].join('\n')
  const mistakes = [{ line: 3, message: '', said: ['new'] }]
  expect(updated(page, mistakes)).toBe(
    ['Text.', `${FENCE}console`, '$ one', 'new', '$ two', 'kept', FENCE, 'Text.'].join('\n'),
  )
})
