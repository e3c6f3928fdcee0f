import { execFileSync } from 'node:child_process'

/**
 * Installs the peers beside this file, as the lock file there says. A second when they are there already. Not `npm ci`: it
 * refuses a lock file without the packages of other platforms, and one of the peers has optional ones that not every registry
 * holds.
 */
export function installPeers(): void {
  execFileSync('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
