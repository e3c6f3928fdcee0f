import { describe, expect, test } from 'vitest'
import { codeFrame } from './code-frame.ts'
import { paintNothing } from './paint.ts'
import { placesLines, stackLines, thrownAt } from './places.ts'

const WIDE = { paint: paintNothing, width: Infinity }
const SOURCE = `
export function rate(line: Line) {
\tif (line.price === null) {
\t\tthrow new Error('no price')
\t}
\treturn line
}
`

describe('a code frame', () => {
  test('shows the line with a caret under what is meant, two lines before it and one after', () => {
    expect(codeFrame(SOURCE, { line: 4, column: 9, length: 3 }, WIDE)).toEqual([
      '    2 | export function rate(line: Line) {',
      '    3 |   if (line.price === null) {',
      "  > 4 |     throw new Error('no price')",
      '      |           ^^^',
      '    5 |   }',
    ])
  })

  test('takes common indentation away, and never marks beyond the end of the line', () => {
    expect(codeFrame('    a()\n    b(1', { line: 2, column: 5, length: 40 }, WIDE)).toEqual([
      '    1 | a()',
      '  > 2 | b(1',
      '      | ^^^',
    ])
  })

  test('keeps what is meant in sight on a narrow terminal', () => {
    const long = `const total = ${'lines.map(amount).'.repeat(8)}redcue(sum)`
    const lines = codeFrame(long, { line: 1, column: long.indexOf('redcue') + 1, length: 6 }, { ...WIDE, width: 40 })
    expect(lines.every((line) => line.length <= 40)).toBe(true)
    const [code = '', caret = ''] = lines
    expect(code.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('redcue')
  })

  test('is left out where the file has no such line any more', () => {
    expect(codeFrame('a\nb', { line: 7, column: 1, length: 1 }, WIDE)).toEqual([])
  })

  test('shows control characters instead of obeying them', () => {
    expect(codeFrame('\u001b[31mred', { line: 1, column: 1, length: 1 }, WIDE)[0]).toBe('  > 1 | \\x1b[31mred')
  })
})

describe('the stack of user code', () => {
  const style = {
    paint: paintNothing,
    projectFolder: '/p',
    source: (file: string) => (file === '/p/jobs/rate.ts' ? SOURCE : null),
  }
  const report = {
    code: 'RECORD_FAILED',
    message: 'failed',
    retryable: false,
    details: {},
    cause: {
      code: 'USER_ERROR',
      message: 'no price',
      retryable: false,
      stack: [
        'Error: no price',
        '    at rate (file:///p/jobs/rate.ts:4:9)',
        '    at map (/p/node_modules/@scope/lists/index.js:1:1)',
        '    at each (/p/node_modules/@scope/lists/index.js:9:1)',
        '    at async Object.<anonymous> (/p/jobs/billing.ts:30:3)',
        '    at Pipeline.run (file:///opt/batchwright/dist/chunk.js:3:4)',
      ].join('\n'),
    },
  }

  test("names the innermost line that is the user's own, shows it, and folds frames of libraries", () => {
    const thrown = thrownAt(report, '/p')
    expect(thrown?.at).toBe('jobs/rate.ts:4:9 in rate')
    if (thrown === null) return
    expect(stackLines(thrown, style)).toEqual([
      '',
      '    2 | export function rate(line: Line) {',
      '    3 |   if (line.price === null) {',
      "  > 4 |     throw new Error('no price')",
      '      |           ^^^',
      '    5 |   }',
      '',
      '  from  2 frames of @scope/lists',
      '  from  jobs/billing.ts:30:3',
    ])
  })

  test('of a wrong option marks the option in the call, and leaves the caller out', () => {
    const source = "job('a', {}, (steps) => {\n  steps.retry({\n    attemps: 4,\n  })\n})"
    const thrown = thrownAt(
      {
        code: 'UNKNOWN_OPTION',
        message: 'm',
        retryable: false,
        details: { place: 'job "a"', option: 'attemps' },
        stack: 'Error\n    at /p/jobs/a.ts:2:9\n    at /p/jobs/a.ts:1:1',
      },
      '/p',
    )
    if (thrown === null) throw new Error('expected a place')
    expect(stackLines(thrown, { ...style, source: () => source })).toEqual([
      '',
      "    1 | job('a', {}, (steps) => {",
      '    2 |   steps.retry({',
      '  > 3 |     attemps: 4,',
      '      |     ^^^^^^^',
      '    4 |   })',
      '',
    ])
  })

  test('places that an error names stand each with its words and its line', () => {
    const place = { file: 'jobs/rate.ts', line: 6, column: 9, length: 4, message: 'not a record' }
    expect(placesLines([place], style)).toEqual([
      '  at    jobs/rate.ts:6:9',
      '        not a record',
      '',
      "    4 |     throw new Error('no price')",
      '    5 |   }',
      '  > 6 |   return line',
      '      |          ^^^^',
      '    7 | }',
      '',
    ])
  })
})
