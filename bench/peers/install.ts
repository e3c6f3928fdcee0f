import { execFileSync } from 'node:child_process'

/** Installs the peers beside this file, as the lock file there says. A second when they are there already. */
export function installPeers(): void {
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
