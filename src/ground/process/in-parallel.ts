/** Works on several things at once, at most `limit`; the first failure stops what has not begun. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let isFailed = false;
  const runLane = async (): Promise<void> => {
    while (next < items.length && !isFailed) {
      const at = next++;
      try {
        results[at] = await work(items[at] as T);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  const lanes = Array.from({ length: Math.min(limit, items.length) }, runLane);
  // Wait for all, so that nothing is still being written when the caller hears of the failure.
  const settled = await Promise.allSettled(lanes);
  const failure = settled.find(result => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return results;
}
