import { systemClock } from '../clock.ts';
import { EmbedderSet } from '../embedder-set.ts';
import { silentLogger } from '../logger.ts';
import { sameStamp } from '../model/compatibility.ts';
import { RegisteredModel } from '../model/model-spec.ts';
import type { Embedder } from '../ports/embedder.ts';
import type { NodeStore } from '../ports/node-store.ts';
import { type DiagnoseOptions, type Diagnosis, diagnose } from './diagnose.ts';

/** What there is where there is no registry. */
export interface DiagnoseStoreOptions extends DiagnoseOptions {
  nodeStore?: NodeStore | undefined;
  embedders: readonly Embedder[];
}

/**
 * `diagnose` without a registry: the models are those of the embedders, and the active one is the one that made most
 * of the stored vectors, or the only one. Writes nothing.
 */
export async function diagnoseStore({
  nodeStore,
  embedders,
  ...options
}: DiagnoseStoreOptions): Promise<Diagnosis> {
  await nodeStore?.ready?.({ readOnly: true });
  const counts = (await nodeStore?.countByModel()) ?? [];
  const made = (embedder: Embedder) =>
    counts.find(({ info }) => info !== undefined && sameStamp(info, embedder.spec.info))?.count ?? 0;
  const byNodes = [...embedders].sort((a, b) => made(b) - made(a));
  const active = embedders.length === 1 || (byNodes[0] && made(byNodes[0]) > 0) ? byNodes[0] : undefined;
  const createdAt = new Date(systemClock.now()).toISOString();
  const models = embedders.map(
    (embedder) => new RegisteredModel(embedder.spec, {}, { createdAt, isActive: embedder === active }),
  );
  const { findings, ...diagnosis } = await diagnose(
    {
      nodes: nodeStore,
      embedders: new EmbedderSet(embedders),
      clock: systemClock,
      logger: silentLogger,
      registry: {
        models: async () => models,
        plans: async () => ({ items: [] }),
        workers: async () => [],
        strayBackups: async () => [],
        witness: async () => undefined,
      },
    },
    options,
  );
  // Without a registry there is nowhere to keep one.
  return { ...diagnosis, findings: findings.filter(({ code }) => code !== 'WITNESS_MISSING') };
}
