// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * What `start` gives for each item, in their order. At most `ahead` are under way; what fails is thrown when
 * its turn comes.
 */
export async function* inOrder<T, R>(
  items: readonly T[],
  ahead: number,
  start: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = []
  let next = 0
  while (next < items.length || underWay.length > 0) {
    while (next < items.length && underWay.length < ahead) {
      const run = start(items[next++] as T)
      run.catch(() => undefined)
      underWay.push(run)
    }
    yield await (underWay.shift() as Promise<R>)
  }
}
