import { BatchwrightError } from '../../kernel/errors.ts'

/** What file systems take: 255 bytes for one name, and paths that leave room for the folders around them. */
const LONGEST_NAME = 255
const LONGEST_PATH = 1024
/** Control characters, and what other systems than this one refuse in names. */
const FORBIDDEN = /[\u0000-\u001f\u007f\\:*?"<>|]/
/** Names of devices on Windows, whatever follows their first dot. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\.|$)/i

/**
 * The name of a file in a dataset: a relative path with `/` between its folders, the same on every system. Throws
 * FILE_NAME_INVALID for anything else: nothing may lead out of the dataset's folder.
 */
export function checkFileName(name: unknown): string {
  const problem = problemOf(name)
  if (problem === null && typeof name === 'string') return name
  throw new BatchwrightError({
    code: 'FILE_NAME_INVALID',
    message: `expected the name of a file inside its dataset, found ${typeof name === 'string' ? JSON.stringify(name) : typeof name}: ${problem ?? 'no text'}`,
    hint: 'For example `2026/03/photo-17.png`: relative, folders divided by /, each name in Unicode form NFC.',
    details: { name: typeof name === 'string' ? name : null },
  })
}

function problemOf(name: unknown): string | null {
  if (typeof name !== 'string') return 'it is no text'
  if (name === '') return 'it is empty'
  if (name.startsWith('/')) return 'it is absolute'
  // On disk, each of its broken characters would be the same replacement character.
  if (!name.isWellFormed()) return 'it is not well-formed Unicode: it has half of a character'
  if (FORBIDDEN.test(name)) return 'it has a character that not all file systems take'
  if (name !== name.normalize('NFC')) return 'it is not in Unicode form NFC: `name.normalize()` makes it so'
  if (Buffer.byteLength(name) > LONGEST_PATH) return `it is longer than ${LONGEST_PATH} bytes`
  for (const part of name.split('/')) {
    if (part === '') return 'it has an empty folder name'
    if (part.startsWith('.')) return `${JSON.stringify(part)} begins with a dot`
    if (DEVICE.test(part)) return `${JSON.stringify(part)} is the name of a device on Windows`
    if (/[. ]$/.test(part)) return `${JSON.stringify(part)} ends with a dot or a blank`
    if (Buffer.byteLength(part) > LONGEST_NAME) return `a part of it is longer than ${LONGEST_NAME} bytes`
  }
  return null
}

/** Names that some file system takes for one: told apart by more than case. */
export function foldedName(name: string): string {
  // Upper case first: it makes one of letters that have two forms of lower case (s and long s, sharp s and ss).
  return name.toUpperCase().toLowerCase().normalize('NFC')
}
