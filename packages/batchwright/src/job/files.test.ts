import { expect, expectTypeOf, test } from 'vitest'
import { contract, csv, dataset, field, files, job, jsonl, lookup, record, type FileWriter } from '../index.ts'
import { datasetsWritten } from './index.ts'

const row = record({ id: field.text() })
const lines = dataset('lines', { files: 'in.csv', format: csv(), contract: contract(1, row) })
const kept = dataset('kept', { location: 'out/kept', format: jsonl(), contract: contract(1, row) })
const thumbs = dataset('thumbs', { location: 'out/thumbs', format: files() })

type Steps = Parameters<Parameters<typeof job>[2]>[0]
const define = (declare: (steps: Steps) => unknown) =>
  job('filing', {}, (steps) => {
    declare(steps)
  })

test('a step knows the writers of the datasets of files that it names, and publishes them', () => {
  const defined = define((steps) => {
    steps
      .records('a')
      .read(lines)
      .files({ thumbs })
      .process((line, context) => {
        expectTypeOf(context.files.thumbs).toEqualTypeOf<FileWriter>()
        return line
      })
    const archive = dataset('archive', { location: 'out/archive', format: files() })
    steps.function('b', { files: { archive } }, (context) => {
      expectTypeOf(context.files.archive).toEqualTypeOf<FileWriter>()
    })
    steps
      .records('c')
      .read(lines)
      .process((line, context) => {
        // @ts-expect-error -- the step names no files
        expect(context.files).toBeUndefined()
        return line
      })
  })
  expect(defined.steps.map((step) => [step.publish, ...datasetsWritten(step).map(({ key }) => key)])).toEqual([
    ['together', 'files:thumbs'],
    ['together', 'files:archive'],
    ['none'],
  ])
})

test.each([
  [
    'rows in place of files',
    () =>
      define((steps) =>
        steps
          .records('a')
          .read(lines)
          .files({ kept: kept as never }),
      ),
    'STEP_INVALID',
    'format: files()',
  ],
  [
    'files in place of rows',
    () =>
      define((steps) =>
        steps
          .records('a')
          .read(lines)
          .write(thumbs as never),
      ),
    'STEP_INVALID',
    '.files({ thumbs })',
  ],
  [
    'files that are read',
    () => define((steps) => steps.records('a').read(thumbs as never)),
    'STEP_INPUT_INVALID',
    'a row for each file',
  ],
  [
    'files that are looked up',
    () => lookup(thumbs as never, { by: 'file' as never }),
    'LOOKUP_INVALID',
    'rows that name the files',
  ],
  [
    'two steps that write one dataset',
    () =>
      define((steps) => [
        steps.records('a').read(lines).files({ thumbs }),
        steps.records('b').read(lines).files({ thumbs }),
      ]),
    'DATASET_TWO_WRITERS',
    'the step "a"',
  ],
  [
    'nothing',
    () => define((steps) => steps.records('a').read(lines).files({})),
    'STEP_INVALID',
    'For example .files({ thumbs })',
  ],
  [
    'after process',
    () =>
      define((steps) => {
        ;(
          steps
            .records('a')
            .read(lines)
            .process((line) => line) as never as { files(of: object): void }
        ).files({ thumbs })
      }),
    'STEP_ORDER',
    'before .process()',
  ],
  [
    'a contract',
    () => dataset('x', { location: 'x', format: files(), contract: contract(1, row) } as never),
    'DATASET_INVALID',
    'Leave contract out',
  ],
  [
    'files of others',
    () => dataset('x', { files: 'x/*', format: files() } as never),
    'DATASET_INVALID',
    "location: 'out/thumbs'",
  ],
])('refused at definition: %s', (_, declare, code, said) => {
  let thrown: unknown
  try {
    declare()
  } catch (error) {
    thrown = error
  }
  expect(thrown).toMatchObject({ code })
  expect(`${String(thrown)} ${String((thrown as { hint?: string }).hint)}`).toContain(said)
})
