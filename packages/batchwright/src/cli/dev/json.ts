import type { JsonValue } from '../../kernel/errors.ts'
import { plainJson, problemJson, problemsOf, typesJson, type PassReport } from '../pass/index.ts'
import type { DevPass } from './loop.ts'

/** A pass as `dev --json` prints it: `{ pass, tookMs, types, jobs: [...] }`. */
export function devJson({ number, tookMs, types, jobs }: DevPass): JsonValue {
  return {
    pass: number,
    tookMs: Math.round(tookMs),
    types: typesJson(types),
    jobs: jobs.map(({ report, changed }) => ({
      ...passJson(report),
      changed,
    })),
  }
}

function passJson(report: PassReport): Readonly<Record<string, JsonValue>> {
  const { file, job, window, codeVersion, error, run, contracts, printed } = report
  return {
    file,
    job,
    window,
    codeVersion,
    error: error === null ? null : { code: error.code, message: error.message, hint: error.hint ?? null },
    problems: problemsOf(report).map(problemJson),
    contracts: plainJson(contracts),
    inputs: plainJson(run?.inputs ?? []),
    steps: plainJson(run?.steps ?? []),
    outputs: plainJson(run?.outputs ?? []),
    logs: plainJson(run?.logs ?? []),
    printed,
  }
}
