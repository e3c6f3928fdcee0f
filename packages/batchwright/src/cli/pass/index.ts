/**
 * pass/: one look at a job file, for `dev` and `check`: what is wrong with its definition, whether its contracts read what is
 * published, and what becomes of a sample. Worked out in a process of its own, in a scratch folder.
 */
export type * from './contract.ts'
export { plainJson, problemJson, typesJson } from './json.ts'
export { chooseWindow, type WindowChoice } from './choose-window.ts'
export { openScratch, type Scratch } from './scratch.ts'
export { startPass, type PassLimits, type RunningPass } from './start-pass.ts'
export { checkTypes, type TypeProblem, type TypesReport } from './types.ts'
export { problemsOf, typeProblems, type Problem } from './verdict.ts'
