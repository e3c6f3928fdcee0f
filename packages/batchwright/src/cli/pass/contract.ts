import type { ErrorReport, JsonValue } from '../../kernel/errors.ts'
import type { DryRunReport } from '../../dry-run/index.ts'

/** One look at a job file: its definition, its contracts, and a dry run. Plain JSON: it is worked out in another process. */
export interface PassRequest {
  /** Absolute. */
  readonly projectFolder: string
  /** Absolute. */
  readonly jobFile: string
  /** Absolute: for what was built. May serve many passes. */
  readonly artifactsFolder: string
  /** Absolute, empty, and removed by whoever asked. */
  readonly scratch: string
  /** As on the command line; null for the last complete window, or the latest with input. */
  readonly window: string | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly sample: number
  readonly step: string | null
  readonly effects: boolean
}

export interface PassReport {
  /** Relative to the project. */
  readonly file: string
  /** Null where the file could not be loaded. */
  readonly job: string | null
  /** Key of the window that was looked at; null where there is none. */
  readonly window: string | null
  readonly codeVersion: string | null
  /** Why the definition could not be loaded, or the window not be chosen. */
  readonly error: ErrorReport | null
  readonly contracts: readonly ContractFinding[]
  readonly run: DryRunReport | null
  /** What each step is made of, as a digest, in the job's order. */
  readonly stepDigests: Readonly<Record<string, string>>
  /** Absolute: what the file was built from, packages left out. */
  readonly sources: readonly string[]
  /** Absolute: folders that inputs lie in, or would. */
  readonly inputFolders: readonly string[]
  /** What the job's code printed. */
  readonly printed: readonly string[]
}

/** Whether a contract reads what is published. */
export interface ContractFinding {
  readonly dataset: string
  /** Of the newest version that was written under that contract version; null where nothing is published. */
  readonly window: string | null
  /** Contract version that it was written under. */
  readonly found: number | null
  /** Contract version as it is defined now. */
  readonly version: number
  /** Null where it reads it. */
  readonly problem: { readonly code: string; readonly message: string; readonly hint: string } | null
}

/** What the child process is sent, and sends. */
export type FromPass =
  | { readonly kind: 'ready' }
  | { readonly kind: 'step'; readonly step: string }
  | { readonly kind: 'report'; readonly report: PassReport }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
