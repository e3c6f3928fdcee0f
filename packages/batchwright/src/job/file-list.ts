import { contract } from './contracts.ts'
import { field } from './field.ts'
import { record } from './record.ts'

/** What is known of each file of a dataset of whole files: a list of these stands for its rows. */
export const FILE_LIST = contract(1, record({ file: field.text(), bytes: field.integer(), sha256: field.text() }))
