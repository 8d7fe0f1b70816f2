import type { Embedder } from '@registry/core';

type Limits = NonNullable<Embedder['limits']>;

/** Limits that are set, later ones in place of earlier ones. */
export function presentLimits(
  ...sources: readonly { readonly [Name in keyof Limits]?: number | undefined }[]
): Limits {
  const entries = sources.flatMap((source) => Object.entries(source));
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
