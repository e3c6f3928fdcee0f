import { describe, expect, it } from 'vitest'
import { newRun } from '../engine/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { seededRandom } from '../kernel/random.ts'
import { job } from './job.ts'

const request = { artifact: { codeVersion: 'code', path: '/code.mjs' }, requestedBy: 'test' }
const chance = { clock: systemClock, random: seededRandom(1) }

const pooled = job('report', { tenant: 'acme', priority: 5 }, (steps) => {
  const load = steps.function('load', () => null).pool('warehouse')
  steps.function('tell', () => null).after(load)
})

describe('who gets the next slot', () => {
  it("a run has its job's tenant and priority, and each step its pool", () => {
    const run = newRun(pooled, request, chance)
    expect(run).toMatchObject({ tenant: 'acme', priority: 5 })
    expect(run.steps.map(({ name, pool }) => [name, pool])).toEqual([
      ['load', 'warehouse'],
      ['tell', undefined],
    ])
  })

  it('a request may name others, and a job that says nothing has none and 0', () => {
    expect(newRun(pooled, { ...request, tenant: 'other', priority: -1 }, chance)).toMatchObject({
      tenant: 'other',
      priority: -1,
    })
    const plain = job('plain', {}, (steps) => {
      steps.function('tell', () => null)
    })
    expect(newRun(plain, request, chance)).toMatchObject({ tenant: '', priority: 0 })
  })

  it('priorities that are none, names that are none, and a second pool are refused', () => {
    const withOptions = (options: object) => () =>
      job('bad', options, (steps) => {
        steps.function('tell', () => null)
      })
    for (const priority of ['high', 1.5, 1001, Number.NaN]) {
      expect(withOptions({ priority }), String(priority)).toThrow(expect.objectContaining({ code: 'PRIORITY_INVALID' }))
    }
    expect(withOptions({ tenant: 'Not A Name' })).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }))
    expect(() =>
      job('bad', {}, (steps) => {
        steps
          .function('tell', () => null)
          .pool('one')
          .pool('two')
      }),
    ).toThrow('called twice')
  })
})
