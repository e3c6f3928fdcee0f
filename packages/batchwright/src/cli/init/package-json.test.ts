import { describe, expect, test } from 'vitest'
import { completePackage } from './package-json.ts'

const WISHES = {
  folderName: 'My Jobs',
  version: '0.1.0',
  scripts: { start: 'batchwright run orders', test: 'node --test' },
}

function complete(existing: object): { readonly content: object; readonly changes: readonly string[] } {
  const { text, changes } = completePackage(JSON.stringify(existing), WISHES)
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- the test looks at it
  return { content: JSON.parse(text), changes }
}

describe('package.json', () => {
  test('a new one is private, named after the folder in letters that npm takes, and has all that is needed', () => {
    expect(JSON.parse(completePackage(null, WISHES).text)).toEqual({
      name: 'my-jobs',
      private: true,
      type: 'module',
      scripts: WISHES.scripts,
      dependencies: { batchwright: '^0.1.0' },
      devDependencies: { '@types/node': '^24.0.0', typescript: '^6.0.0' },
      engines: { node: '>=24' },
    })
    expect(JSON.parse(completePackage(null, { ...WISHES, folderName: '___' }).text)).toMatchObject({ name: 'jobs' })
  })

  test('one that npm install made keeps how batchwright was installed, and is told what was added', () => {
    const { content, changes } = complete({ dependencies: { batchwright: 'file:batchwright-0.1.0.tgz' } })
    expect(content).toMatchObject({ type: 'module', dependencies: { batchwright: 'file:batchwright-0.1.0.tgz' } })
    expect(changes).toEqual([
      '"type": "module"',
      'scripts start, test',
      'devDependencies @types/node, typescript',
      'engines node >=24',
    ])
  })

  test('what npm init wrote as the test script gives way; a script of the user’s own stays', () => {
    const initial = complete({ scripts: { test: 'echo "Error: no test specified" && exit 1' } })
    expect(initial.content).toMatchObject({ scripts: WISHES.scripts })
    const own = completePackage(JSON.stringify({ scripts: { test: 'vitest run' } }), WISHES)
    expect(JSON.parse(own.text)).toMatchObject({ scripts: { start: WISHES.scripts.start, test: 'vitest run' } })
    expect(own.kept).toEqual({ test: 'node --test' })
  })

  test('completing it twice changes nothing, and its indentation stays', () => {
    const first = completePackage('{\n\t"name": "shop"\n}\n', WISHES)
    expect(first.text).toMatch(/^\t"name": "shop"/m)
    expect(completePackage(first.text, WISHES)).toEqual({ text: first.text, changes: [], kept: {} })
  })
})
