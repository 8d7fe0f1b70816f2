import type { ModelRef } from '@registry/core';

/** A model as part of a name of a collection or vector: no character that either forbids, or a payload path splits at. */
export function slugOf({ modelId, version }: ModelRef): string {
  const letters = modelId.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '');
  return `${letters.slice(0, 60) || 'model'}-v${version}`;
}
