/** Which package manager a project is used with, and how its commands are typed. */

export interface PackageManager {
  readonly name: 'npm' | 'pnpm' | 'yarn'
  readonly install: string
  /** A script of package.json. */
  script(name: string): string
  /** A command of batchwright. */
  command(args: string): string
  /** A text that speaks npm, in this one's words. */
  speak(text: string): string
}

const NPM: PackageManager = {
  name: 'npm',
  install: 'npm install',
  script: (name) => (name === 'test' || name === 'start' ? `npm ${name}` : `npm run ${name}`),
  command: (args) => `npx batchwright ${args}`,
  speak: (text) => text,
}

function other(name: 'pnpm' | 'yarn'): PackageManager {
  const command = name === 'pnpm' ? 'pnpm exec' : 'yarn'
  return {
    name,
    install: `${name} install`,
    script: (script) => `${name} ${script}`,
    command: (args) => `${command} batchwright ${args}`,
    speak: (text) =>
      text
        .replaceAll('npx batchwright', `${command} batchwright`)
        .replaceAll('      - run: npm ci', `      - run: corepack enable\n      - run: ${name} install`)
        .replaceAll(/\bnpm run (\S+) -- /g, `${name} $1 `)
        .replaceAll(/\bnpm (?:run )?(test|start|check|sample)\b/g, `${name} $1`),
  }
}

/**
 * The one that started this process (`npm_config_user_agent`: `pnpm/10.2.0 npm/? node/v24`), else the one whose lock file is
 * there, else npm.
 */
export function packageManagerOf(userAgent: string | undefined, files: readonly string[]): PackageManager {
  const [started = ''] = (userAgent ?? '').split('/')
  if (started === 'pnpm' || started === 'yarn') return other(started)
  if (files.includes('pnpm-lock.yaml')) return other('pnpm')
  if (files.includes('yarn.lock')) return other('yarn')
  return NPM
}
