import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/clock.ts'
import { openChanges, type Changes } from './changes.ts'
import { foldersOf, sameState, stateAtStart, stateOf, type Watched } from './signature.ts'

let folder = ''
let changes: Changes

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'batchwright-changes-'))
  mkdirSync(path.join(folder, 'in'))
  write('job.ts', 'one')
  write('in/a.csv', '1')
  changes = openChanges(systemClock)
  watchFromNow()
})

afterEach(() => {
  changes.close()
  rmSync(folder, { recursive: true })
})

function write(file: string, text: string): void {
  writeFileSync(path.join(folder, file), text)
}

function watchFromNow(): void {
  const before = stateOf(watched())
  changes.watch(foldersOf(watched()), () => !sameState(stateOf(watched()), before))
}

function watched(): Watched {
  return { files: [path.join(folder, 'job.ts')], sourceFolders: [], inputFolders: [path.join(folder, 'in')] }
}

describe('a change is noticed', () => {
  test.each<[string, () => void]>([
    [
      'when a source is written',
      () => {
        write('job.ts', 'two')
      },
    ],
    [
      'when an editor saves by renaming another file to its name',
      () => {
        write('job.ts.new', 'two')
        renameSync(path.join(folder, 'job.ts.new'), path.join(folder, 'job.ts'))
      },
    ],
    [
      'when a source is removed',
      () => {
        rmSync(path.join(folder, 'job.ts'))
      },
    ],
    [
      'when an input grows',
      () => {
        write('in/a.csv', '1\n2')
      },
    ],
    [
      'when a new input arrives',
      () => {
        write('in/b.csv', '1')
      },
    ],
    [
      'when the folder of inputs is removed',
      () => {
        rmSync(path.join(folder, 'in'), { recursive: true })
      },
    ],
  ])('%s', async (_, change) => {
    const noticed = changes.next()
    change()
    await noticed
  })

  test('that was made before one waited for it', async () => {
    write('job.ts', 'two')
    await changes.next()
  })

  test('once more after the source has been saved by rename', async () => {
    write('job.ts.new', 'two')
    renameSync(path.join(folder, 'job.ts.new'), path.join(folder, 'job.ts'))
    await changes.next()
    watchFromNow()
    const noticed = changes.next()
    write('job.ts', 'three')
    await noticed
  })
})

describe('no change is', () => {
  test.each<[string, () => void]>([
    [
      'a save of the same content',
      () => {
        write('job.ts', 'one')
      },
    ],
    [
      'another file beside a source',
      () => {
        write('notes.txt', 'x')
      },
    ],
    [
      'what an editor leaves beside an input while it saves it',
      () => {
        write('in/.a.csv.swp', 'x')
        write('in/a.csv~', 'x')
      },
    ],
  ])('%s', async (_, save) => {
    const before = stateOf(watched())
    const seen: string[] = []
    const noticed = changes.next().then(() => seen.push('noticed'))
    save()
    expect(sameState(stateOf(watched()), before)).toBe(true)
    // Its event comes before that of a real change, which is the only one to be told of.
    write('job.ts', 'two')
    await noticed
    expect(seen).toEqual(['noticed'])
  })
})

test('where a build has failed, any script beside its sources counts', () => {
  const broken: Watched = { ...watched(), sourceFolders: [folder] }
  const before = stateOf(broken)
  write('missing.ts', 'export {}')
  expect(sameState(stateOf(broken), before)).toBe(false)
})

test('what changed while one looked is a change: of known files, and new ones in known folders', () => {
  const start = stateOf(watched())
  write('job.ts', 'two')
  write('in/b.csv', '1')
  const now = stateOf({ ...watched(), files: [path.join(folder, 'job.ts'), path.join(folder, 'rows.ts')] })
  const atStart = stateAtStart(now, start)
  const changed = [...now.keys()].filter((file) => atStart.get(file) !== now.get(file))
  expect(changed.map((file) => path.relative(folder, file)).sort()).toEqual(['in/b.csv', 'job.ts'])
})
