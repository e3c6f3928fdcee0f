/** Signs that the screens are drawn with, and what stands for them where the terminal knows only ASCII. */

export const GLYPHS = {
  succeeded: '✓',
  failed: '✗',
  waiting: '○',
  skipped: '–',
  paused: '‖',
  branch: '├',
  lastBranch: '└',
  trunk: '│',
  full: '━',
  half: '╸',
  rest: '─',
} as const

/** One turn of the sign of what is under way, a picture each. */
export const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const

/** Each as wide as what it stands for, so that no column moves. */
const IN_ASCII: Readonly<Record<string, string>> = {
  '✓': '+',
  '✗': 'x',
  '○': '.',
  '–': '-',
  '‖': '=',
  '├': '|',
  '└': '`',
  '│': '|',
  '━': '=',
  '╸': '-',
  '─': '.',
  '…': '~',
  '·': ',',
  '→': '>',
  '▁': '1',
  '▂': '2',
  '▃': '3',
  '▄': '4',
  '▅': '5',
  '▆': '6',
  '▇': '7',
  '█': '8',
  '░': ':',
  '▒': 'v',
  '▓': 'p',
  ...Object.fromEntries(SPINNER.map((sign, index) => [sign, '|/-\\'[index % 4] ?? '|'])),
}

const OURS = new RegExp(`[${Object.keys(IN_ASCII).join('')}]`, 'gu')

/** The text with our own signs in ASCII. What the user's data holds stays as it is. */
export function inAscii(text: string): string {
  return text.replace(OURS, (sign) => IN_ASCII[sign] ?? sign)
}

/**
 * Whether the terminal shows more than ASCII. Not where the locale names another encoding than UTF-8 (`LC_ALL`, `LC_CTYPE`,
 * `LANG`, the first that is set; none set, as in most containers, is taken for UTF-8), and not on the Linux console, whose
 * font has no signs.
 */
export function knowsUnicode(environment: NodeJS.ProcessEnv): boolean {
  const locale = [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find(
    (each) => each !== undefined && each !== '',
  )
  return environment['TERM'] !== 'linux' && (locale === undefined || /utf-?8/i.test(locale))
}
