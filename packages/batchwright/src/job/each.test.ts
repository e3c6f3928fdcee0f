import { expect, test } from 'vitest'
import { field, job, parameters, service, type FunctionStep, type JobDefinition } from './index.ts'
import { planFingerprint } from './fingerprint.ts'

const mail = service('mail', { open: () => Promise.resolve({ send: (to: string) => to.length }) })

function stepOf(definition: JobDefinition): FunctionStep {
  const [step] = definition.steps
  if (step?.kind === 'function') return step
  throw new Error('expected a function step')
}

test('the item has the type of what each gives: numbers, members of a list, what a function makes', () => {
  const definition = job('j', { parameters: parameters({ n: field.integer() }) }, (steps) => {
    steps.function('count', { each: 10 }, ({ item, index }) => {
      const sum: number = item + index
      return sum
    })
    steps.function('list', { each: ['x', 'y'] }, ({ item }) => {
      const text: string = item
      return text
    })
    steps.function('counted', { each: (context) => context.parameters.n, use: { mail } }, ({ item, use }) => {
      const sent: number = use.mail.send(String(item + 1))
      return sent
    })
    function* made({ parameters: { n } }: { readonly parameters: { readonly n: number } }) {
      for (let id = 0; id < n; id += 1) yield { id }
    }
    steps.function('made', { each: made }, ({ item }) => {
      const id: number = item.id
      return id
    })
    steps.function(
      'fetched',
      { use: { mail }, each: async (context) => Promise.resolve([context.use.mail.send('')]) },
      (context) => {
        const n: number = context.item
        return n
      },
    )
  })
  expect(definition.steps.map((step) => (step.kind === 'function' ? step.each?.from : null))).toEqual([
    'count',
    'list',
    'function',
    'function',
    'function',
  ])
})

test('a text is no list of items, and a step without each has no item', () => {
  expect(() =>
    job('j', {}, (steps) => {
      // @ts-expect-error a text is no list
      steps.function('a', { each: 'abc' }, () => null)
    }),
  ).toThrow('expected each to be a number, a list or a function of them, found "abc"')
  job('j', {}, (steps) => {
    // @ts-expect-error there is no item
    steps.function('a', ({ item }) => item)
  })
})

test('a list is taken by value when the job is defined, and must be plain JSON', () => {
  const list = [{ id: 1 }]
  const definition = job('j', {}, (steps) => {
    steps.function('a', { each: list }, () => null)
  })
  list[0] = { id: 2 }
  expect(stepOf(definition).each).toEqual({ from: 'list', items: [{ id: 1 }] })
  expect(() =>
    job('j', {}, (steps) => {
      steps.function('a', { each: [1n] }, () => null)
    }),
  ).toThrow('expected every item to be plain JSON, found the bigint 1 at place 0')
})

test.each([-1, 1.5, NaN])('%s is no number of items', (count) => {
  expect(() =>
    job('j', {}, (steps) => {
      steps.function('a', { each: count }, () => null)
    }),
  ).toThrow('expected each to be a whole number from 0')
})

test('another number of items is another plan; another function that makes them is not, because the plan has been made', () => {
  const printed = (each: number | (() => number)): string => {
    const definition = job('j', {}, (steps) => {
      steps.function('a', { each }, () => null)
    })
    return planFingerprint(definition, 'a')
  }
  expect(printed(2)).not.toBe(printed(3))
  expect(printed(() => 2)).toBe(printed(() => 3))
  expect(printed(2)).toBe(printed(2))
})
