/** Waits no longer than until the signal aborts: not every library takes one. */
export async function orAbort<T>(call: PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return call;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([call, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
