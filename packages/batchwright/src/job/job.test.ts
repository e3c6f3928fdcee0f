/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment -- JavaScript users have no types: these tests are theirs */
import { describe, expect, test } from 'vitest'
import {
  contract,
  csv,
  daily,
  dataset,
  every,
  hourly,
  isJob,
  job,
  monthly,
  parquet,
  weekly,
  type Window,
} from './index.ts'
import { files, one, output, refusal } from './fixtures/definitions.ts'

const inMonths = { window: monthly({ timezone: 'Europe/London' }) }
const fold = { initial: () => 0, add: (n: number) => n + 1, finish: () => [] }

/** What JavaScript users can write: no types in the way. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the point of these tests is what the type checker would refuse
type Loose = any
const loose = job as Loose

describe('refused at definition, with the place and the remedy', () => {
  test.each<readonly [string, (steps: Loose) => void, string, RegExp, RegExp]>([
    ['no steps', () => undefined, 'JOB_EMPTY', /job "j": it has no steps/, /steps.records/],
    [
      'a kind of step that does not exist',
      (steps) => steps.record('a'),
      'STEP_KIND_UNKNOWN',
      /no kind of step called "record"/,
      /Did you mean "records"/,
    ],
    [
      'a bad name',
      (steps) => steps.records('Rate Lines'),
      'NAME_INVALID',
      /step name.*found "Rate Lines"/,
      /Call it "rate_lines"/,
    ],
    [
      'two steps of one name',
      (steps) => (steps.records('a').read(files), steps.records('a').read(files)),
      'STEP_DUPLICATE',
      /two steps are called "a"/,
      /Rename/,
    ],
    [
      'a step by name',
      (steps) => (steps.records('a').read(files), steps.records('b').read('a')),
      'STEP_INPUT_INVALID',
      /step "b" .read\(\): expected a dataset or a step, found "a"/,
      /Pass the step itself/,
    ],
    [
      'nothing to read',
      (steps) => steps.records('a').read(undefined),
      'STEP_INPUT_INVALID',
      /found undefined/,
      /Pass a dataset/,
    ],
    [
      'a step that was never told what to read',
      (steps) => steps.records('a'),
      'STEP_ORDER',
      /does not say what it reads/,
      /comes first/,
    ],
    [
      'after a step that does not exist',
      (steps) => (steps.records('rate').read(files), steps.records('b').read(files).after('rat')),
      'STEP_UNKNOWN',
      /no step "rat"/,
      /Did you mean "rate"\? Steps: rate, b/,
    ],
    [
      'a step that waits for itself',
      (steps) => {
        const a = steps.records('a').read(files)
        a.after(a)
      },
      'STEP_CYCLE',
      /names itself/,
      /another/,
    ],
    [
      'a circle',
      (steps) => {
        const a = steps.records('a').read(files)
        const b = steps.records('b').read(a)
        a.after(b)
      },
      'STEP_CYCLE',
      /"a" waits for "b" waits for "a"/,
      /Take one/,
    ],
    [
      'reading a function step',
      (steps) => steps.records('a').read(steps.function('f', () => null)),
      'STEP_INVALID',
      /gives no records/,
      /after\("f"\)/,
    ],
    [
      'writing files',
      (steps) => steps.records('a').read(files).write(files),
      'DATASET_READ_ONLY',
      /"files" is made of files/,
      /location/,
    ],
    [
      'two writers',
      (steps) => {
        const out = output('o')
        steps.records('a').read(files).write(out)
        steps.records('b').read(files).write(out)
      },
      'DATASET_TWO_WRITERS',
      /already written by the step "a"/,
      /of its own/,
    ],
    [
      'two datasets of one name',
      (steps) => {
        steps.records('a').read(files).write(output('o'))
        steps.records('b').read(files).write(output('o'))
      },
      'DATASET_DUPLICATE',
      /two datasets are called "o"/,
      /Rename/,
    ],
    [
      'reading what the job writes',
      (steps) => {
        const out = output('o', monthly())
        steps.records('a').read(files).write(out)
        steps.records('b').read(out)
      },
      'DATASET_NOT_YET_PUBLISHED',
      /written by the step "a" of this job/,
      /Read the step: .read\(a\).*previous/,
    ],
    [
      'SQL over a step without a dataset',
      (steps) => {
        const a = steps.records('a').read(files)
        steps.sql('s').read({ lines: a }).query('select 1').write(output('o'))
      },
      'STEP_INVALID',
      /table "lines" is the step "a", which writes no dataset/,
      /\.write\(\)/,
    ],
    [
      'SQL that writes nothing',
      (steps) => steps.sql('s').read({ files }).query('select 1'),
      'STEP_ORDER',
      /\.write\(\): it is missing/,
      /write\(dataset\)/,
    ],
    [
      'a fold that is missing',
      (steps) => steps.reduce('r').read(files).by(String),
      'STEP_ORDER',
      /\.fold\(\): it is missing/,
      /fold\(/,
    ],
    [
      'an unknown option of a policy',
      (steps) => steps.records('a').read(files).retry({ attemps: 2 }),
      'UNKNOWN_OPTION',
      /step "a" .retry\(\): there is no option "attemps"/,
      /Did you mean "attempts"/,
    ],
    [
      'no attempts',
      (steps) => steps.records('a').read(files).retry({ attempts: 0 }),
      'POLICY_INVALID',
      /whole number from 1, found the number 0/,
      /./,
    ],
    [
      'a backoff without a retry',
      (steps) =>
        steps
          .records('a')
          .read(files)
          .retry({ attempts: 1, backoff: { first: '1s' } }),
      'POLICY_INVALID',
      /means no retry/,
      /Raise attempts/,
    ],
    [
      'a first delay beyond the longest',
      (steps) =>
        steps
          .records('a')
          .read(files)
          .retry({ backoff: { first: '2min', max: '1min' } }),
      'POLICY_INVALID',
      /longer than max/,
      /Swap/,
    ],
    [
      'a limit that is no share',
      (steps) => steps.records('a').read(files).skip('140%'),
      'UNIT_INVALID',
      /\.skip\(\): expected a ratio/,
      /%/,
    ],
    [
      'a duration without a unit',
      (steps) => steps.records('a').read(files).timeout(5),
      'UNIT_INVALID',
      /\.timeout\(\): expected a duration/,
      /ms, s, min/,
    ],
    [
      'memory of a thread',
      (steps) => steps.records('a').read(files).isolation('thread', { memory: '1GB' }),
      'STEP_INVALID',
      /expected memory of a process, found memory for isolation 'thread'/,
      /isolation\('process', { memory }\)/,
    ],
    [
      'a process that is too small for Node',
      (steps) => steps.records('a').read(files).isolation('process', { memory: '64MB' }),
      'STEP_INVALID',
      /expected at least 128MB for a process, found 64MB/,
      /Node itself/,
    ],
    [
      'an option of a process that it does not have',
      (steps) => steps.records('a').read(files).isolation('process', { memroy: '1GB' }),
      'UNKNOWN_OPTION',
      /memroy/,
      /memory/,
    ],
    [
      'a policy given twice',
      (steps) => steps.records('a').read(files).skip(1).skip(2),
      'STEP_INVALID',
      /called twice/,
      /Keep one/,
    ],
    [
      'an operation after a policy',
      (steps) => steps.records('a').read(files).skip(1).process(String),
      'STEP_ORDER',
      /comes after .skip/,
      /before .skip/,
    ],
    [
      'services after process',
      (steps) => steps.records('a').read(files).process(String).use({}),
      'STEP_ORDER',
      /comes after .process/,
      /before .process/,
    ],
    [
      'anything after write',
      (steps) => steps.records('a').read(files).write(output('o')).timeout('1s'),
      'STEP_ORDER',
      /ends the chain/,
      /before .write/,
    ],
    [
      'something that is no service',
      (steps) => steps.records('a').read(files).use({ mail: {} }),
      'STEP_INVALID',
      /"mail" to be a service/,
      /service\(/,
    ],
    [
      'distinct in files cut apart',
      (steps) => steps.records('a').read(files).distinct({ within: 'file' }).partition('bytes'),
      'STEP_INVALID',
      /needs whole files/,
      /partition\('file'\)/,
    ],
    [
      'a memory in the wrong unit',
      (steps) => steps.reduce('a').read(files).by(String).fold(fold).memory('256B'),
      'STEP_INVALID',
      /at least 1MB/,
      /MB is a million/,
    ],
    [
      'columns of another library in Parquet',
      (steps) => {
        const foreign = { '~standard': { version: 1, vendor: 'x', validate: () => ({ value: {} }) } }
        steps
          .records('a')
          .read(files)
          .write(dataset('p', { location: 'p', format: parquet(), contract: contract(1, foreign as Loose) }))
      },
      'STEP_INVALID',
      /needs columns/,
      /record\(/,
    ],
    ['asynchronous definitions', () => Promise.resolve(), 'JOB_INVALID', /asynchronous/, /into a step/],
  ])('%s', (_, build, code, message, hint) => {
    const error = refusal(() => loose('j', inMonths, build))
    expect(error.message).toMatch(message)
    expect(error.code).toBe(code)
    expect(error.hint).toMatch(hint)
  })

  test('a step of another job', () => {
    let leaked: Loose
    loose('first', inMonths, (steps: Loose) => (leaked = steps.records('a').read(files)))
    expect(refusal(() => loose('second', inMonths, (steps: Loose) => steps.records('b').read(leaked))).message).toBe(
      'job "second", step "b" .read(): the step "a" belongs to another job ("first")',
    )
    expect(refusal(() => leaked.retry({})).message).toMatch(/already built/)
  })

  test('options of the job itself', () => {
    const build = (steps: Loose): unknown => steps.records('a').read(files)
    expect(refusal(() => loose('j', { ...inMonths, windw: 1 }, build)).hint).toMatch(/Did you mean "window"/)
    expect(refusal(() => loose('j', build)).hint).toMatch(
      /^Options stand before the function: {} where there are none\. /,
    )
    const { message, hint } = refusal(() =>
      loose('j', {}, (steps: Loose) => steps.records('s').read(files).distinct({ reject: 'twice' })),
    )
    expect(message).toMatch(/distinct\(\): expected file or partition, found undefined/)
    expect(hint).toBe('Write "file" or "partition".')
    expect(refusal(() => loose('j', { window: 'monthly' }, build)).message).toMatch(/job "j" window: expected a window/)
    expect(refusal(() => loose('J', {}, build)).hint).toBe('Call it "j".')
    expect(refusal(() => loose('j', { timeout: '4 hours' }, build)).message).toMatch(
      /job "j" timeout: expected a duration/,
    )
  })
})

describe('windows of datasets and jobs', () => {
  const read = (datasetWindow: Window, jobWindow?: Window) => () =>
    loose('j', jobWindow === undefined ? {} : { window: jobWindow }, (steps: Loose) =>
      steps.records('a').read(dataset('d', { window: datasetWindow, files: 'x', format: csv(), contract: one })),
    )

  test.each<readonly [Window, Window]>([
    [daily(), monthly()],
    [hourly(), daily()],
    [hourly(), weekly()],
    [daily(), weekly()],
    [monthly(), monthly()],
    [every('15min'), hourly()],
    [every('6h'), daily()],
    [every('15min'), every('1h')],
  ])('%# fits', (inner, outer) => {
    expect(read(inner, outer)).not.toThrow()
  })

  test.each<readonly [Window, Window | undefined]>([
    [weekly(), monthly()],
    [monthly(), daily()],
    [daily(), hourly()],
    [every('7h'), daily()],
    [every('40min'), every('1h')],
    [daily(), undefined],
  ])('%# does not fit', (inner, outer) => {
    expect(refusal(read(inner, outer)).code).toBe('WINDOW_MISFIT')
  })

  test('a run publishes one window: an output must have the window of the job', () => {
    const write = (window: Window) => () =>
      loose('j', inMonths, (steps: Loose) => steps.records('a').read(files).write(output('o', window)))
    expect(refusal(write(daily())).hint).toMatch(/monthly\(\{ timezone: 'Europe\/London' \}\)/)
    expect(refusal(write(monthly({ timezone: 'UTC' }))).code).toBe('WINDOW_MISFIT')
    expect(write(monthly())).not.toThrow()
  })

  test('earlier windows of what the job writes can be read', () => {
    const out = output('o', monthly())
    const defined = job('j', inMonths, (steps) => {
      steps.records('a').read(out.previous(2)).write(out)
      steps.records('b').read(files.last(7))
      steps.records('c').read(files.at((window) => `${window.key}-01`))
    })
    const inputs = defined.steps.map((step) =>
      step.kind === 'records' && step.input.from === 'dataset' ? step.input.windows : null,
    )
    expect(inputs.slice(0, 2)).toEqual([
      { select: 'previous', count: 2 },
      { select: 'last', count: 7 },
    ])
    const third = inputs[2]
    expect(third?.select === 'at' && third.at(monthly().parse('2011-02'))).toEqual(['2011-02-01'])
  })
})

describe('the graph', () => {
  test('a reduce step over a dataset gets an implicit map, which waits for what the step waits for', () => {
    const defined = job('j', inMonths, (steps) => {
      const prepare = steps.function('prepare', () => null)
      steps
        .reduce('sum')
        .read(files)
        .by((line) => line.id)
        .fold(fold)
        .buckets(2)
      steps
        .reduce('late')
        .read(files)
        .by((line) => line.id)
        .fold(fold)
      steps.records('b').read(files).after(prepare, 'late')
    })
    expect(defined.steps.map((step) => [step.name, step.after, step.shuffles.map(({ to }) => to)])).toEqual([
      ['prepare', [], []],
      ['sum.map', [], ['sum']],
      ['sum', ['sum.map'], []],
      ['late.map', [], ['late']],
      ['late', ['late.map'], []],
      ['b', ['prepare', 'late'], []],
    ])
    expect(isJob(defined)).toBe(true)
    expect(isJob({ ...defined })).toBe(false)
  })

  test('a step that waits for a later one stands after it', () => {
    const defined = job('j', inMonths, (steps) => {
      steps.records('a').read(files).after('b')
      steps.records('b').read(files)
    })
    expect(defined.steps.map(({ name }) => name)).toEqual(['b', 'a'])
  })

  test('readers inside the run are told apart: as they are, by key, and by SQL from the dataset', () => {
    const defined = job('j', inMonths, (steps) => {
      const a = steps.records('a').read(files).write(output('o'))
      steps.sql('s').read({ a }).query('select * from a order by id').write(output('p'))
      steps
        .reduce('r')
        .read(a)
        .by((line) => line.id)
        .fold(fold)
      const b = steps.records('b').read(a)
      steps.records('c').read(b)
    })
    expect(defined.steps.map((step) => [step.name, step.readInside, step.publish])).toEqual([
      ['a', true, 'together'],
      ['s', false, 'together'],
      ['r', false, 'none'],
      ['b', true, 'none'],
      ['c', false, 'none'],
    ])
    expect(defined.steps[1]).toMatchObject({ deterministic: true, after: ['a'] })
  })

  test('a key that is no text is refused where it is made', () => {
    const defined = loose('j', inMonths, (steps: Loose) =>
      steps
        .reduce('r')
        .read(files)
        .by((line: Loose) => line.n)
        .fold(fold),
    )
    expect(() => defined.steps[1].key({ n: 5 })).toThrow(/expected a key of text, found the number 5/)
  })
})
