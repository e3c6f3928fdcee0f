/**
 * cli/: the command line. Parses what was typed, composes store, executors, engine, runtime and data, and shows what comes of
 * it. `commands/` has one file for each group of commands (gathering), `render/` turns rows into text (pure). No rule of the
 * engine, the store or publication lives here.
 */
export { main } from './main.ts'
