import type { JobDefinition } from '../../job/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { readSecret } from '../../runtime/index.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** How far wall and growing clock may part while doctor looks. */
const JUMP_MS = 500
/** Rules of time zones change a few times a year. */
const OLD_ZONES_YEARS = 2

/** A moment by both clocks. */
export interface Moment {
  readonly wall: number
  readonly steady: number
}

export function momentOf(clock: Clock): Moment {
  return { wall: clock.now(), steady: clock.monotonic() }
}

/** Whether the wall clock has jumped since a moment, and how old the rules of time zones are. */
export function clockFindings(since: Moment, now: Moment, zoneData: string | undefined): readonly Finding[] {
  const jump = now.wall - since.wall - (now.steady - since.steady)
  const year = new Date(now.wall).getUTCFullYear()
  const zones = zoneData ?? 'unknown'
  const zoneYear = Number(/^\d{4}/.exec(zones)?.[0] ?? 0)
  return [
    Math.abs(jump) <= JUMP_MS
      ? ok('clock', `${new Date(now.wall).toISOString()}, steady`)
      : fail(
          'clock',
          'CLOCK_JUMPED',
          `the wall clock moved by ${Math.round(jump)} ms while doctor looked`,
          'let one program set it, slowly: chrony or systemd-timesyncd',
        ),
    year - zoneYear < OLD_ZONES_YEARS
      ? ok('clock', `time zone data ${zones}`)
      : warn(
          'clock',
          'TIME_ZONES_OLD',
          `time zone data ${zones}: windows in zones whose rules have changed since begin at the wrong hour`,
          'upgrade Node within its version: it brings newer data',
        ),
  ]
}

/** Secrets that services declare: whether they are there. Never what they are. */
export async function secretFindings(
  jobs: readonly JobDefinition[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Finding[]> {
  const wanted = new Map<string, Set<string>>()
  for (const job of jobs) {
    for (const service of job.steps.flatMap((step) => [...step.services.values()])) {
      for (const name of service.secrets)
        wanted.set(name, (wanted.get(name) ?? new Set()).add(`service ${service.name}`))
    }
  }
  if (wanted.size === 0) return [ok('secrets', 'no service declares one')]
  const findings: Finding[] = []
  for (const [name, services] of wanted) {
    const usedBy = [...services].join(', ')
    try {
      await readSecret(name, environment, usedBy)
      findings.push(ok('secrets', `${name} is present (${usedBy})`))
    } catch (thrown) {
      if (!(thrown instanceof BatchwrightError)) throw thrown
      findings.push(fail('secrets', thrown.code, thrown.message, secretHint(thrown, name)))
    }
  }
  return findings
}

/** Of one that is not set no run is at stake yet; what else is wrong with it says so itself. */
function secretHint({ code, hint }: BatchwrightError, name: string): string {
  if (code !== 'SECRET_MISSING' && hint !== undefined) return hint
  return `Set ${name} where the jobs are started; in this shell, to look again: \`export ${name}=...\`, then \`batchwright doctor\`.`
}
