import type { FormatDefinition } from '../../job/model.ts'

/** Formats that are read as lines of text. */
export type LineFormat = Extract<FormatDefinition, { format: 'csv' | 'jsonl' }>

const MAX_RECORD_BYTES = 16 * 1024 * 1024

/**
 * The format of a file whose kind is known: the dataset's own where it is of that kind, else the one that our sinks write.
 * (A dataset may have changed its format since the version was published.)
 */
export function lineFormatOf(kind: 'csv' | 'jsonl', declared: FormatDefinition): LineFormat {
  if (declared.format === kind) return declared
  const maxRecordBytes = 'maxRecordBytes' in declared ? declared.maxRecordBytes : MAX_RECORD_BYTES
  if (kind === 'jsonl') return { format: 'jsonl', compression: 'none', maxRecordBytes }
  return { format: 'csv', delimiter: ',', quote: '"', header: true, compression: 'none', maxRecordBytes }
}
