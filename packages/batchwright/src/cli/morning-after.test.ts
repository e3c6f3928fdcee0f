/** What an engineer on call is told, the morning after: of runs that were left, taken up again, or overtaken. */
import { describe, expect, test } from 'vitest'
import { makeProject, orders, ORDERS_JOB } from './fixtures/project.ts'

interface RunJson {
  readonly runId: string
  readonly state: string
  readonly revision: number
}

interface ErrorJson {
  readonly error: { readonly code: string; readonly hint: string | null }
}

const DAY = '2026-03-01'

describe('the morning after', () => {
  test('an older revision that failed is not gone on with once a newer one has succeeded: that stays published', async () => {
    const project = makeProject({ 'jobs/orders.ts': ORDERS_JOB, [`in/${DAY}.csv`]: orders(10, ['boom,1,1.50']) })
    const first = await project.json<RunJson>('run', 'orders', '--window', DAY)
    project.write(
      'jobs/orders.ts',
      ORDERS_JOB.replace("if (order.id === 'boom') throw", "if (order.id === 'never') throw"),
    )
    const second = await project.json<RunJson>('rerun', 'orders', '--window', DAY)
    expect(second).toMatchObject({ code: 0, value: { revision: 2, state: 'succeeded' } })
    const { code, value } = await project.json<ErrorJson>('retry', first.value.runId)
    expect(code).toBe(1)
    expect(value.error).toMatchObject({
      code: 'RUN_SUPERSEDED',
      hint: `\`batchwright show ${second.value.runId}\` shows the newer one; \`batchwright rerun orders --window ${DAY}\` makes another`,
    })
    expect((await project.cli('explain', first.value.runId)).stdout).toContain(`batchwright show ${second.value.runId}`)
    expect((await project.json<RunJson>('show', first.value.runId)).value.state).toBe('failed')
    expect(project.files('out/clean/*/v*')).toEqual([`out/clean/${DAY}/v000001`])
  })

  test('after a rollback explain says what readers see now; plan names no run where there is none', async () => {
    const project = makeProject({ 'jobs/orders.ts': ORDERS_JOB, [`in/${DAY}.csv`]: orders(3) })
    await project.cli('run', 'orders', '--window', DAY)
    project.write(`in/${DAY}.csv`, orders(2))
    await project.cli('rerun', 'orders', '--window', DAY)
    expect((await project.cli('explain', 'latest')).stdout).not.toContain('Readers see')
    await project.cli('rollback', 'clean_orders', '--window', DAY)
    expect((await project.cli('explain', 'latest')).stdout.replace(/\s+/g, ' ')).toContain(
      `Readers see clean_orders ${DAY} v3 now: a rollback shows version 1 again.`,
    )
    const plan = await project.json<ErrorJson>('plan', 'orders', '--window', '2026-03-02')
    expect(plan.value.error.code).toBe('INPUT_MISSING')
    expect(plan.value.error.hint).not.toContain('RUN')
  })
})
