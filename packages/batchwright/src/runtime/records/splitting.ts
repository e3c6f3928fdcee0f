import type { BatchReader, CutRefused, CutRequest, PartitionCut } from '../../data/index.ts'
import type { RecordsStep } from '../../job/index.ts'
import type { SplitPiece, PartitionPlan, PartitionSplit } from '../../protocol/index.ts'

/** Where what is left of a partition could be cut, or why it stays whole. */
export async function cutPartition(
  step: RecordsStep,
  reader: BatchReader,
  request: CutRequest,
): Promise<PartitionCut | CutRefused> {
  const whole = whyWhole(step)
  if (whole !== null) return { refused: whole }
  return (await reader.cut?.(request)) ?? { refused: 'its source cannot be cut' }
}

/** What a step remembers from record to record belongs to its partition as it was planned; null where it remembers nothing. */
function whyWhole(step: RecordsStep): string | null {
  if (step.rebalance === 'never') return 'the step says rebalance: never'
  if (step.stateVersion > 0) return 'the step keeps state for the whole partition'
  const distinct = step.operations.some(({ operation }) => operation === 'distinct')
  return distinct ? 'the step compares the records of the whole partition: distinct' : null
}

/** The message of a cut: pieces look rows up in what the whole partition looks them up in. */
export function splitOf({ own, rest }: PartitionCut, { lookups }: PartitionPlan): PartitionSplit {
  const piece = (cut: PartitionCut['own']): SplitPiece => (lookups === undefined ? cut : { ...cut, lookups })
  return { own: piece(own), rest: rest.map(piece) }
}
