import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { isSurelyDead, ownIdentity } from './process-identity.ts'

const own = ownIdentity()

test('this process is not dead', () => {
  expect(isSurelyDead(own, own)).toBe(false)
})

test('an earlier process that had our process id is dead', () => {
  expect(isSurelyDead({ ...own, processStart: '1' }, own)).toBe(true)
})

test('a process is dead when its process id is gone, and not before', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const identity = { ...own, pid: child.pid ?? -1, processStart: '' }
  expect(isSurelyDead(identity, own)).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isSurelyDead(identity, own)).toBe(true)
})

test('a process id that another process has by now does not hide a death', () => {
  expect(isSurelyDead({ ...own, pid: process.ppid, processStart: '1' }, own)).toBe(true)
})

test('nothing is said of processes of another host, another boot or another container', () => {
  const gone = { ...own, pid: 4_194_303, processStart: '1' }
  expect(isSurelyDead({ ...gone, host: 'elsewhere' }, own)).toBe(false)
  expect(isSurelyDead({ ...gone, bootId: 'earlier' }, own)).toBe(false)
})
