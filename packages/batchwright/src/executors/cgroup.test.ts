import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { makeControlGroup, removeOrphanedGroups } from './cgroup.ts'

const LIMIT = 64 * 2 ** 20
const HOARD = 'const all = []; for (;;) all.push(Buffer.alloc(16000000, 1))'

test('where this process may make a control group the kernel ends who takes too much, and counts it; elsewhere there is none', async () => {
  const group = makeControlGroup(`${String(process.pid)}-test`, LIMIT)
  if (group === null) {
    // Not allowed here: then there is nothing to remove either.
    removeOrphanedGroups()
    return
  }
  const child = spawn('sh', ['-c', 'read go; exec "$0" -e "$1"', process.execPath, HOARD], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  group.add(child.pid ?? -1)
  expect(group.members()).toEqual([child.pid])
  expect(group.exceeded()).toBeNull()
  // Somebody is in it: it stays.
  removeOrphanedGroups()
  expect(group.members()).toEqual([child.pid])
  child.stdin.end('go\n')
  await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  expect(group.exceeded()).toBeGreaterThan(LIMIT * 0.9)
  while (group.exceeded() !== null) removeOrphanedGroups()
})
