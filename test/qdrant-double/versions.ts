/** What this server pretends to be: `major.minor.patch`. */
export type Version = string;

/** Operations that older servers do not route. */
const operations: Readonly<Record<string, number>> = {
  facet: 12,
  create_vector_name: 18,
  delete_vector_name: 18,
  get_quotas: 19,
  update_quotas: 19,
};

/** Keys of a request that older servers ignore without a word, which is worse than refusing them. */
const keys: Readonly<Record<string, number>> = {
  update_filter: 16,
  max_payload_index_count: 16,
  update_mode: 17,
  slice: 19,
};

/** Keys that mean so only at the top of one operation's request. */
const topKeys: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  create_collection: { metadata: 16 },
  update_collection: { metadata: 16 },
};

const minorOf = (version: Version) => Number(version.split('.')[1]);

export function isRouted(operation: string, version: Version): boolean {
  return minorOf(version) >= (operations[operation] ?? 0);
}

/** A key that this version does not know yet, or undefined. */
export function tooNew(operation: string, body: unknown, version: Version): string | undefined {
  const minor = minorOf(version);
  const top = Object.entries(topKeys[operation] ?? {}).find(
    ([key, since]) => minor < since && typeof body === 'object' && body !== null && key in body,
  );
  const found = top?.[0] ?? keyWithin(body, minor);
  return found && `\`${found}\`, which ${version} ignores (since 1.${keys[found] ?? top?.[1]})`;
}

/** Payloads and vectors say nothing about versions, and are large. */
const notLookedInto = new Set(['payload', 'payloads', 'vector', 'vectors', 'metadata']);

function keyWithin(value: unknown, minor: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value) && minor < (keys[key] ?? 0)) return key;
    const found = notLookedInto.has(key) ? undefined : keyWithin(inner, minor);
    if (found !== undefined) return found;
  }
  return undefined;
}
