import type { EmbeddingInfo } from './model/model-spec.ts';
import type { NodeFilter } from './model/plan.ts';
import type { NodeHead, NodeStore } from './ports/node-store.ts';

/** A scan from its first page to its last. */
export async function* scanPages(
  store: Pick<NodeStore, 'scan'>,
  {
    notAt,
    where,
    limit,
    signal,
  }: {
    readonly notAt?: EmbeddingInfo | undefined;
    readonly where?: NodeFilter | undefined;
    /** Heads of a page. */
    readonly limit: number;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<readonly NodeHead[]> {
  const options = { limit, ...(notAt && { notAt }), ...(where && { where }), ...(signal && { signal }) };
  let after: string | undefined;
  do {
    const page = await store.scan({ ...options, ...(after !== undefined && { after }) });
    yield page.items;
    after = page.next;
  } while (after !== undefined);
}
