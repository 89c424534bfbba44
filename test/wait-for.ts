/** Waits until something is so, and fails naming it when it takes too long. */
export async function waitFor(isSo: () => boolean, what: string, limit = 20_000): Promise<void> {
  const deadline = Date.now() + limit;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waited ${limit / 1000} s for ${what}`);
    await new Promise(resolve => {
      setTimeout(resolve, 20);
    });
  }
}
