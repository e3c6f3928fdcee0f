/**
 * A user's function as the runtime calls it. The builders' types tie it to the records that reach it; the model erases them
 * to `never`, and this is the one place where they are taken as given.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names what it passes
export function callable<Arguments extends readonly unknown[]>(
  userFunction: (...given: never) => unknown,
): (...given: Arguments) => unknown {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- see above
  return userFunction as unknown as (...given: Arguments) => unknown
}
