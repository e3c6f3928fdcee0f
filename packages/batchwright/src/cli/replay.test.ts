import { rmSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TestProject } from './fixtures/project.ts'
import { salesFiles, salesProject, STEP_AND_READERS } from './fixtures/sales.ts'

interface RunJson {
  readonly outcome: string
  readonly runId: string
  readonly state: string
  readonly revision: number
  readonly failure: unknown
  readonly steps: readonly { readonly name: string; readonly read: number; readonly dead: number }[]
  readonly published: readonly { readonly dataset: string; readonly version: number }[]
}

interface LetterJson {
  readonly id: string
  readonly step: string
  readonly reason: string
  readonly source: string
  readonly record: number
}

interface ListJson {
  readonly total: number
  readonly items: readonly LetterJson[]
}

interface ErrorJson {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null }
}

async function ran(project: TestProject): Promise<TestProject> {
  expect((await project.json<RunJson>('run', 'sales')).value).toMatchObject({ state: 'succeeded', failure: null })
  return project
}

/** What the step whose letters are mended publishes, and what reads it, as readers see it. */
async function published(project: TestProject): Promise<Readonly<Record<string, string>>> {
  const shown: [string, string][] = []
  for (const name of STEP_AND_READERS) shown.push([name, (await project.cli('datasets', 'cat', name)).stdout])
  return Object.fromEntries(shown)
}

/** Puts other text in the place of lines of the input. */
function changed(changes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const edit = (text: string): string =>
    Object.entries(changes).reduce((edited, [before, after]) => edited.replace(before, after), text)
  return Object.fromEntries(Object.entries(salesFiles()).map(([file, text]) => [file, edit(text)]))
}

/** Exports dead letters, and puts other text in the place of theirs. */
async function mend(project: TestProject, changes: Readonly<Record<string, string>>, step = 'rate'): Promise<string> {
  await project.cli('dead-letters', 'export', '--step', step, '--output', 'letters.jsonl')
  const letters = project
    .read('letters.jsonl')
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as { raw: string })
    .filter(({ raw }) => raw in changes)
  expect(letters).toHaveLength(Object.keys(changes).length)
  const mended = letters.map((letter) => JSON.stringify({ ...letter, raw: changes[letter.raw] }))
  project.write('mended.jsonl', `${mended.join('\n')}\n`)
  return 'mended.jsonl'
}

const replay = (project: TestProject, ...args: readonly string[]) =>
  project.json<RunJson>('dead-letters', 'replay', ...args)

const listed = async (project: TestProject, ...args: readonly string[]): Promise<ListJson> =>
  (await project.json<ListJson>('dead-letters', 'list', ...args)).value

let afresh: ReturnType<typeof published> | undefined

/** What a run over the input with CHANGES publishes; made once. */
const changedAfresh = (): ReturnType<typeof published> =>
  (afresh ??= ran(salesProject(changed(CHANGES))).then(published))

const CHANGES = { 'a1,,1,1.00': 'a1,bob,1,1.00', 'b2,,1,5.00': 'b2,zoe,1,5.00' }

/** Indexes of the partitions of `rate` that a run worked on itself. */
function partitionsWorked(project: TestProject, runId: string): readonly (string | undefined)[] {
  const attempts = project.files(`.batchwright/runs/${runId}/rate/*-f*`).map((folder) => path.basename(folder))
  return attempts.map((name) => name.split('-')[0])
}

describe('a replay of dead letters', () => {
  test('publishes to the byte what a run over the mended input does', async () => {
    const project = await ran(salesProject())
    const before = await listed(project, '--step', 'rate')
    const copied = await project.cli('datasets', 'cat', 'copied')
    const { code, value } = await replay(project, '--file', await mend(project, CHANGES))
    expect(value.failure).toBeNull()
    expect([code, value.state, value.revision]).toEqual([0, 'succeeded', 2])
    expect(await published(project)).toEqual(await changedAfresh())
    // What neither is the step nor reads it stands as it was published.
    expect(value.published.map(({ dataset, version }) => [dataset, version]).toSorted()).toEqual([
      ['customers', 2],
      ['rated', 2],
      ['small', 2],
      ['totals', 2],
    ])
    expect(await project.cli('datasets', 'cat', 'copied')).toEqual(copied)
    // The others are dead as they were: same ids, same places.
    const rest = before.items.filter(({ record, source, reason }) => {
      const [file] = /[abc](?=\.csv)/.exec(source) ?? []
      return !(reason === 'missing_customer' && [`a1`, `b2`].includes(`${file ?? ''}${record}`))
    })
    expect(await listed(project, '--step', 'rate')).toMatchObject({ total: before.total - 2, items: rest })
    expect(value.steps.find(({ name }) => name === 'rate')).toMatchObject({ read: 16, dead: before.total - 2 })
    expect(project.files('out/*/.staging/**/*')).toEqual([])
    // Records between the steps of an ordinary run are gone: all three files were read again.
    expect(partitionsWorked(project, value.runId)).toEqual(['0', '1', '2'])
  })

  test('of letters that nobody mended finds them dead again, once, and repeats stay repeats', async () => {
    const project = await ran(salesProject())
    const [before, shown] = [await listed(project), await published(project)]
    for (const revision of [2, 3]) {
      const { value } = await replay(project, '--step', 'rate')
      expect(value).toMatchObject({ state: 'succeeded', revision, failure: null })
      expect(await published(project)).toEqual(shown)
      expect((await listed(project)).items).toEqual(before.items)
    }
  })

  test('what is mended to a line that is there is a repeat, as it would have been', async () => {
    const project = await ran(salesProject())
    const changes = { 'a7,,4,3.00': 'a6,bob,3,2.25', 'a1,,1,1.00': 'a8,cid,1,9.99' }
    await replay(project, '--file', await mend(project, changes))
    expect(await published(project)).toEqual(await published(await ran(salesProject(changed(changes)))))
    const repeats = await listed(project, '--reason', 'duplicate_line')
    expect(repeats.items.filter(({ source }) => source.endsWith('a.csv')).map(({ record }) => record)).toEqual([
      4, 7, 8,
    ])
  })

  test('of one export can be made again and again, until nothing in it is dead; nothing counts twice', async () => {
    const project = await ran(salesProject())
    const half = { ...CHANGES, 'a3,bob,x,2.00': 'a3,bob,y,2.00' }
    await replay(project, '--file', await mend(project, half))
    const failed = await listed(project, '--step', 'rate', '--cause', 'contract')
    expect(failed).toMatchObject({ total: 1, items: [{ reason: 'bad_number', record: 3 }] })
    project.write('mended.jsonl', project.read('mended.jsonl').replace('a3,bob,y,2.00', 'a3,bob,7,2.00'))
    const again = await project.cli('dead-letters', 'replay', '--file', 'mended.jsonl')
    // The replay before kept its records: only the file with the letter was read once more.
    const latest = await project.json<{ readonly runId: string }>('show', 'latest')
    expect(partitionsWorked(project, latest.value.runId)).toEqual(['0'])
    expect(again.stderr).toContain('2 letters of mended.jsonl left out: replayed before, and not dead any more')
    const whole = changed({ ...CHANGES, 'a3,bob,x,2.00': 'a3,bob,7,2.00' })
    expect(await published(project)).toEqual(await published(await ran(salesProject(whole))))
    const { code, value } = await project.json('dead-letters', 'replay', '--file', 'mended.jsonl')
    expect([code, value]).toMatchObject([0, { replayed: 0 }])
  })

  test('of a step that reads a step stands on what was mended before it, and is stood on', async () => {
    const project = await ran(salesProject())
    await replay(project, '--file', await mend(project, { 'a7,,4,3.00': 'a7,ann,4,3.00' }))
    const [large] = (await listed(project, '--step', 'small')).items
    expect(large).toMatchObject({ reason: 'large', source: 'rate/0', record: 2 })
    await project.cli('dead-letters', 'export', '--step', 'small', '--output', 'large.jsonl')
    const texts = project.read('large.jsonl').trimEnd().split('\n')
    project.write('large.jsonl', texts.map((text) => text.replace('\\"qty\\":70', '\\"qty\\":7')).join('\n'))
    const second = await replay(project, '--file', 'large.jsonl')
    expect(second.value).toMatchObject({ state: 'succeeded', revision: 3 })
    expect(second.value.published.map(({ dataset }) => dataset)).toEqual(['small'])
    expect((await listed(project, '--step', 'small')).total).toBe(1)
    const shown = await published(project)
    expect(shown['small']).toContain('a5,ann,7,0.10\n')
    expect(shown['rated']).toContain('a7,ann,4,3.00\n')

    await replay(project, '--file', await mend(project, { 'b2,,1,5.00': 'b2,zoe,1,5.00' }))
    const both = changed({ 'a7,,4,3.00': 'a7,ann,4,3.00', 'b2,,1,5.00': 'b2,zoe,1,5.00' })
    const fresh = await published(await ran(salesProject(both)))
    const last = await published(project)
    expect([last['rated'], last['customers'], last['totals']]).toEqual([
      fresh['rated'],
      fresh['customers'],
      fresh['totals'],
    ])
    // The step before ran again: records of `small` that were mended by their old places are dead again, and counted.
    expect(last['small']).toEqual(fresh['small'])
    expect((await listed(project, '--step', 'small')).total).toBe(2)
  })

  test.each([
    'loop.sink-committed@1',
    'loop.checkpointed@2',
    'loop.finished@1',
    'plan.sealed@1',
    'verify.started@1',
    'publish.linked@2',
    'publish.manifest-created@2',
    'publish.recorded@1',
  ])('killed at %s and typed again goes on to the same bytes', async (point) => {
    const project = await ran(salesProject())
    const args = ['dead-letters', 'replay', '--file', await mend(project, CHANGES), '--slots', '1', '--inline']
    const killed = await project.start(args, { BATCHWRIGHT_FAIL_POINTS: `${point}=kill` }).finished
    expect(killed.signal).toBe('SIGKILL')
    const { value } = await project.json<RunJson & { readonly replayed?: number }>(...args)
    // After the last of it was recorded there is nothing left to do.
    if (point === 'publish.recorded@1') expect(value.replayed).toBe(0)
    else expect(value).toMatchObject({ outcome: 'resumed', state: 'succeeded', revision: 2 })
    expect(await published(project)).toEqual(await changedAfresh())
    expect((await project.json<ListJson>('runs')).value.total).toBe(2)
  })

  test('runs again what has been removed, and publishes no less for it', async () => {
    const wanted = await changedAfresh()
    const losses: readonly (readonly string[])[] = [
      ['.batchwright/runs/*/rate/plan/*', '.batchwright/runs/*/rate/plan'],
      ['out/rated/all/v000001/*'],
      ['out/rated/all/manifests/*'],
    ]
    for (const globs of losses) {
      const project = await ran(salesProject())
      expect(project.files('.batchwright/runs/*/*/*-f*/*.blocks'), 'records between steps go with the run').toEqual([])
      const file = await mend(project, CHANGES)
      for (const glob of globs) {
        const found = project.files(glob)
        expect(found, glob).not.toEqual([])
        for (const lost of found) rmSync(path.join(project.folder, lost), { recursive: true })
      }
      const { value } = await replay(project, '--file', file)
      expect(value.failure, globs.join()).toBeNull()
      expect(await published(project), globs.join()).toEqual(wanted)
    }
  })

  test('of letters whose input has changed is refused, and what is published stays', async () => {
    const project = await ran(salesProject())
    const [file, shown] = [await mend(project, CHANGES), await published(project)]
    project.write('in/a.csv', project.read('in/a.csv').replace('a8,cid,1,9.99', 'a8,cid,2,9.99'))
    const { code, value } = await replay(project, '--file', file)
    expect([code, value.failure]).toMatchObject([1, { code: 'INPUT_CHANGED' }])
    expect(await published(project)).toEqual(shown)
  })

  test('is refused on a revision that is not the newest, and while another one is under way', async () => {
    const project = await ran(salesProject())
    const first = (await project.json<ListJson>('runs')).value.items[0] as unknown as { readonly runId: string }
    const file = await mend(project, CHANGES)
    const args = ['dead-letters', 'replay', '--inline']
    await project.start([...args, '--file', file], { BATCHWRIGHT_FAIL_POINTS: 'loop.checkpointed@1=kill' }).finished
    const other = await project.json<ErrorJson>(...args, '--reason', 'duplicate_line')
    expect(other.value.error.code).toBe('REPLAY_UNDER_WAY')
    expect((await replay(project, '--file', file)).value).toMatchObject({ outcome: 'resumed', state: 'succeeded' })
    const older = await project.json<ErrorJson>(...args, '--run', first.runId, '--reason', 'duplicate_line')
    expect(older.value.error.code).toBe('RUN_SUPERSEDED')
    expect((await project.json<ListJson>('runs')).value.total).toBe(2)
  })
})

describe('dead letters', () => {
  test('that were discarded stay so: in the list, in a replay of others, and in the run that it makes', async () => {
    const project = await ran(salesProject())
    const discarded = await project.json('dead-letters', 'discard', '--reason', 'duplicate_line', '--why', 'known')
    expect(discarded.value).toMatchObject({ discarded: 2 })
    const left = (await listed(project)).total
    expect((await replay(project, '--step', 'rate', '--reason', 'duplicate_line')).value).toMatchObject({ replayed: 0 })
    await replay(project, '--file', await mend(project, CHANGES))
    expect((await listed(project)).total).toBe(left - 2)
    expect(await listed(project, '--reason', 'duplicate_line', '--discarded')).toMatchObject({ total: 2 })
  })

  test('of steps that read steps have the same ids wherever the run was killed', async () => {
    const whole = await listed(await ran(salesProject()))
    for (const point of ['loop.checkpointed@2', 'loop.sink-committed@3', 'loop.checkpointed@9']) {
      const project = salesProject()
      const environment = { BATCHWRIGHT_FAIL_POINTS: `${point}=kill` }
      expect((await project.start(['run', 'sales', '--inline'], environment).finished).signal).toBe('SIGKILL')
      expect((await listed(await ran(project))).items).toEqual(whole.items)
    }
  })
})
