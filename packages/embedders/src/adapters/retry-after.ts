import type { Clock } from '@registry/core';

/**
 * Milliseconds the server asks to wait: `retry-after-ms`, as Azure sends it, or `Retry-After` in seconds or as a
 * date (RFC 9110, 10.2.3). A date is read by the server's own clock where it tells that.
 */
export function retryAfterMs(
  header: (name: string) => string | null | undefined,
  clock: Clock,
): number | undefined {
  const exact = Number(header('retry-after-ms') || Number.NaN);
  if (exact >= 0) return Math.round(exact);
  const text = header('retry-after');
  if (!text) return undefined;
  const seconds = Number(text);
  if (seconds >= 0 && Number.isFinite(seconds)) return Math.round(seconds * 1000);
  const until = Date.parse(text);
  if (Number.isNaN(until)) return undefined;
  const serverNow = Date.parse(header('date') ?? '');
  return Math.max(0, until - (Number.isNaN(serverNow) ? clock.now() : serverNow));
}
