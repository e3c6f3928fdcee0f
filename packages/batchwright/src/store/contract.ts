/** The contract's door for other rooms, for its types. */
export type * from './contract/index.ts'
