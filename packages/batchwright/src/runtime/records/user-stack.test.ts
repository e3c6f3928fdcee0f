import { expect, test } from 'vitest'
import { Decimal } from '../../kernel/decimal.ts'
import { userStack } from './user-stack.ts'

const JOB = '    at process (/home/me/shop/jobs/orders.ts:12:3)'

function thrownByDecimal(): readonly string[] {
  try {
    Decimal.from('1.234.500')
  } catch (error) {
    return error instanceof Error ? (error.stack ?? '').split('\n') : []
  }
  return []
}

test('a stack ends where our code called the job', () => {
  const [, ours = ''] = thrownByDecimal()
  expect(userStack(['Error: no price', JOB, ours, ours].join('\n'))).toBe(`Error: no price\n${JOB}`)
})

test('where a function of the library threw, the stack begins at the line of the job that called it', () => {
  const [message = '', ours = ''] = thrownByDecimal()
  expect(ours).toContain('decimal')
  expect(userStack([message, ours, ours, JOB, ours].join('\n'))).toBe(`${message}\n${JOB}`)
})

test('a stack that is all ours, or the machinery of Node, names no place', () => {
  const [message = '', ours = ''] = thrownByDecimal()
  const node = '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)'
  expect(userStack([message, ours, node].join('\n'))).toBe(message)
  expect(userStack(message)).toBe(message)
})
