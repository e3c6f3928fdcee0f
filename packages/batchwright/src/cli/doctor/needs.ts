import type { JobDefinition } from '../../job/index.ts'

/** Whether a job cannot run without DuckDB: it has a query, or reads or writes Parquet. */
export function needsDuckDb(job: JobDefinition): boolean {
  const datasets = [...job.datasets.values()]
  return (
    job.steps.some((step) => step.kind === 'sql') ||
    datasets.some(({ format, checks }) => format.format === 'parquet' || checks.some((check) => check.check === 'sql'))
  )
}
