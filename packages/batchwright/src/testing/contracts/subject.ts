import type { Contract, Dataset, DatasetDefinition, FieldDefinition } from '../../job/index.ts'
import { jsonl } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

/** What is tested: a contract, or a dataset (as defined, or out of `job.datasets`), whose format says how records are read. */
export type ContractSubject<Row> = Contract<Row> | Dataset<Row> | DatasetDefinition

/** The subject as a dataset; a bare contract reads JSON. */
export function asDataset(subject: ContractSubject<unknown>): DatasetDefinition {
  if ('contract' in subject) return subject
  return {
    name: `contract ${String(subject.version)}`,
    window: null,
    missing: 'fail',
    format: jsonl(),
    contract: subject,
    key: null,
    checks: [],
    location: { kind: 'files', paths: () => [] },
  }
}

/** The fields of a contract. Throws CONTRACT_WITHOUT_FIELDS for a schema of another library. */
export function fieldsOf(subject: ContractSubject<unknown>): readonly FieldDefinition[] {
  const { name, contract } = asDataset(subject)
  if (contract.schema.fields !== null) return contract.schema.fields
  throw new BatchwrightError({
    code: 'CONTRACT_WITHOUT_FIELDS',
    message: `${name}: expected a contract of record({ ... }) to make records of, found a schema of another library`,
    hint: "Describe the records with record({ ... }), or make them with that library's own generators.",
  })
}
