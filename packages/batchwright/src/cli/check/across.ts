/** What only shows where all jobs are looked at: the same dataset, defined differently. */
import path from 'node:path'
import type { DatasetDefinition, JobDefinition } from '../../job/index.ts'
import { datasetsWritten } from '../../job/index.ts'
import { warning, type CheckItem } from './items.ts'
import { placeOf, type Source } from './places.ts'

interface Use {
  readonly job: string
  readonly dataset: DatasetDefinition
  readonly writes: boolean
}

export function acrossJobs(
  jobs: readonly JobDefinition[],
  projectFolder: string,
  sources: readonly Source[],
): readonly CheckItem[] {
  const uses = new Map<string, Use[]>()
  for (const job of jobs) {
    const written = new Set(job.steps.flatMap((step) => datasetsWritten(step).map(({ dataset }) => dataset.name)))
    for (const dataset of job.datasets.values()) {
      const use = { job: job.name, dataset, writes: written.has(dataset.name) }
      uses.set(dataset.name, [...(uses.get(dataset.name) ?? []), use])
    }
  }
  return [...uses.values()].flatMap((each) => [
    ...contractsApart(each, sources),
    ...placesApart(each, projectFolder, sources),
  ])
}

/** A reader with an older contract than the writer's cannot read what the writer publishes next. */
function contractsApart(uses: readonly Use[], sources: readonly Source[]): readonly CheckItem[] {
  return uses
    .filter((use) => use.writes)
    .flatMap((writer) =>
      uses
        .filter((use) => use.dataset.contract.version < writer.dataset.contract.version)
        .map((reader): CheckItem => ({
          ...warning('contract', reader.job, {
            code: 'CONTRACT_OLDER',
            message: `job ${reader.job} reads ${reader.dataset.name} under contract version ${reader.dataset.contract.version}, and job ${writer.job} writes it under version ${writer.dataset.contract.version}`,
            hint: 'define the dataset once, in a file that both jobs import',
            place: placeOf(sources, 'dataset', reader.dataset.name),
          }),
          level: 'error',
        })),
    )
}

function placesApart(uses: readonly Use[], projectFolder: string, sources: readonly Source[]): readonly CheckItem[] {
  const [first, ...others] = uses.filter(({ dataset }) => dataset.location.kind === 'published')
  if (first === undefined) return []
  const folderOf = ({ dataset }: Use): string =>
    dataset.location.kind === 'published' ? path.resolve(projectFolder, dataset.location.folder) : ''
  return others
    .filter((other) => folderOf(other) !== folderOf(first))
    .map((other) =>
      warning('setting', other.job, {
        code: 'DATASET_DEFINED_TWICE',
        message: `dataset ${first.dataset.name} lies in ${folderOf(first)} for job ${first.job}, and in ${folderOf(other)} for job ${other.job}`,
        hint: 'give one of them another name, or define the dataset once, in a file that both jobs import',
        place: placeOf(sources, 'dataset', other.dataset.name),
      }),
    )
}
