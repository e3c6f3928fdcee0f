import { expect, test } from 'vitest'
import { TextWindow } from './text-window.ts'

const WINDOW = 32 * 1024

/** Text in which every place can be told from every other one near it. */
function numbered(bytes: number): string {
  let text = ''
  for (let number = 0; text.length < bytes; number += 1) text += `${number.toString(36)},`
  return text.slice(0, bytes)
}

test('pieces in order are the bytes at their places, across the edges of windows and of every size', () => {
  const content = numbered(5 * WINDOW + 17)
  const window = new TextWindow()
  window.take(Buffer.from(`${content}\n`), content.length)
  const sizes = [0, 1, 12, 13, 500, WINDOW - 1, 7, WINDOW, 3, WINDOW + 1, 90]
  let at = 0
  for (let turn = 0; at < content.length; turn += 1) {
    const end = Math.min(content.length, at + (sizes[turn % sizes.length] ?? 1))
    expect(window.slice(at, end)).toBe(content.slice(at, end))
    at = end
  }
})

test('a piece before the window is found, too', () => {
  const content = numbered(3 * WINDOW)
  const window = new TextWindow()
  window.take(Buffer.from(content), content.length)
  expect(window.slice(2 * WINDOW, 2 * WINDOW + 20)).toBe(content.slice(2 * WINDOW, 2 * WINDOW + 20))
  expect(window.slice(5, 30)).toBe(content.slice(5, 30))
})

test('of the next block, nothing is left of the one before', () => {
  const window = new TextWindow()
  window.take(Buffer.from('the first block'), 15)
  expect(window.slice(4, 9)).toBe('first')
  window.take(Buffer.from('and the second'), 14)
  expect(window.slice(4, 7)).toBe('the')
})
