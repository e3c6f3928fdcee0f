/** How one types a command that stands in a summary: as this one was, with npx where npm started it. */
export function calledAs(environment: Readonly<Record<string, string | undefined>>): string {
  const npm = environment['npm_command']
  return npm === undefined || npm === '' ? 'batchwright' : 'npx batchwright'
}
