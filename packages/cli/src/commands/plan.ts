import type { EmbeddingInfo, NodeFilter, NodeStore, RegisteredModel } from '@registry/core';
import { isAtTarget, Priority } from '@registry/core';
import { z } from 'zod';
import { type Call, filterOption, type Handler, tuningOf, tuningShape } from '../call.ts';
import { registeredModel } from '../names.ts';
import { nodeIdsOf } from '../node-ids.ts';
import { counted, grouped, modelName } from '../screen/phrases.ts';
import type { Session } from '../session.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const schema = z.object({
  to: z.string(),
  nodes: z.string().optional(),
  where: filterOption.optional(),
  strategy: z.enum(['inPlace', 'namedVector', 'shadow']).optional(),
  priority: z.enum(['critical', 'high', 'normal', 'low']).optional(),
  dryRun: z.boolean().optional(),
  ...tuningShape,
});

export const plan: Handler = async (call) => {
  const o = call.read(schema);
  if (o.nodes !== undefined && o.where !== undefined)
    throw new UsageError('Pass --nodes or --where, not both.');
  if (o.dryRun) return call.with('nodes', (session) => preview(call, session, o));
  return call.with('nodes', async ({ manager, resolved }) => {
    const target = await registeredModel(manager, o.to);
    const made = await manager.createMigration({
      targetModelId: target.modelId,
      targetVersion: target.version,
      ...tuningOf(o),
      ...(o.nodes !== undefined && { nodeIds: nodeIdsOf(o.nodes) }),
      ...(o.where && { where: o.where }),
      ...(o.strategy && { strategy: o.strategy }),
      ...(o.priority && { priority: Priority[o.priority.toUpperCase() as keyof typeof Priority] }),
      signal: terminal.stopSignal(),
    });
    call.output.say(`Planned: ${counted(made.totalNodes, 'node')} to ${modelName(target)}`);
    call.output.say(`Plan:    ${made.planId}`);
    if (made.strategyReason !== undefined)
      call.output.say(`How:     ${made.strategy}: ${made.strategyReason}`);
    const short = made.planId.slice(0, 8);
    call.output.note(
      resolved.definition.nodeStore === undefined
        ? 'To run it, add nodeStore to embedding-registry.config.ts.'
        : `Next: evr run ${short}, and evr cutover ${short} to make its target the active model.`,
    );
    return { data: made };
  });
};

interface SourceCount {
  readonly source: EmbeddingInfo | undefined;
  readonly count: number;
}

async function preview(
  call: Call,
  { manager, nodeStore }: Session,
  o: z.output<typeof schema>,
): Promise<{ data: unknown }> {
  const target = await registeredModel(manager, o.to);
  if (nodeStore === undefined)
    throw new UsageError('Counting nodes needs the node store.', {
      advice: 'Add `nodeStore: () => …` to embedding-registry.config.ts.',
    });
  const how = await strategyOf(nodeStore, target, o);
  const signal = terminal.stopSignal();
  const counts =
    o.nodes === undefined
      ? await countStore(nodeStore, target, o.where, signal)
      : await countList(nodeStore, target, nodeIdsOf(o.nodes), signal);
  const total = counts.sources.reduce((sum, { count }) => sum + count, 0);
  const unfinished = (await manager.listMigrations({ limit: 1000 })).items.filter((one) =>
    ['pending', 'in_progress', 'paused', 'rolling_back'].includes(one.status),
  );
  call.output.say(
    `${counted(total, 'node')} would be re-embedded with ${modelName(target)}; nothing was changed.`,
  );
  if (how !== undefined) call.output.say(`How: ${how.strategy}: ${how.why}`);
  showSources(call, counts.sources, target, total);
  if (counts.atTarget > 0)
    call.output.say(`\n${counted(counts.atTarget, 'node')} of the list are there already.`);
  if (counts.missing > 0)
    call.output.say(`\n${counted(counts.missing, 'node')} of the list are not in the store.`);
  if (unfinished.length > 0)
    call.output.note(
      `${counted(unfinished.length, 'plan')} unfinished: nodes they hold are refused to another plan. See evr list.`,
    );
  return {
    data: { target, total, ...counts, ...how, unfinishedPlans: unfinished.map(({ planId }) => planId) },
  };
}

function showSources(
  { output }: Call,
  sources: readonly SourceCount[],
  target: RegisteredModel,
  total: number,
): void {
  if (sources.length === 0) return;
  output.say();
  output.table<SourceCount>(
    [
      { title: 'FROM', cell: ({ source }) => sourceName(source, target), least: 16 },
      { title: 'NODES', cell: ({ count }) => grouped(count), align: 'right' },
      {
        title: 'SHARE',
        cell: ({ count }) => `${Math.round((count / total) * 100)} %`,
        align: 'right',
        spare: 1,
      },
    ],
    sources,
  );
}

/** What cannot be done is refused now, and not when the plan is made. */
async function strategyOf(
  nodeStore: NodeStore,
  target: RegisteredModel,
  { nodes, where, strategy }: z.output<typeof schema>,
) {
  return nodeStore.chooseStrategy?.({
    target,
    isPartial: nodes !== undefined || where !== undefined,
    ...(strategy && { wanted: strategy }),
  });
}

function sourceName(source: EmbeddingInfo | undefined, target: RegisteredModel): string {
  if (source === undefined) return 'unknown (no stamp)';
  const name = `${source.embeddingModelId}:v${source.embeddingVersion}`;
  if (name !== modelName(target)) return name;
  return source.embeddingChecksum === target.checksum
    ? `${name} (text changed since)`
    : `${name} (other checksum)`;
}

class Sources {
  readonly #counts = new Map<string, { source: EmbeddingInfo | undefined; count: number }>();

  add(node: Partial<EmbeddingInfo>): void {
    const { embeddingModelId, embeddingVersion, embeddingChecksum = '' } = node;
    const key = JSON.stringify([embeddingModelId, embeddingVersion, embeddingChecksum]);
    const known = this.#counts.get(key);
    if (known !== undefined) known.count += 1;
    else if (embeddingModelId === undefined || embeddingVersion === undefined)
      this.#counts.set(key, { source: undefined, count: 1 });
    else
      this.#counts.set(key, { source: { embeddingModelId, embeddingVersion, embeddingChecksum }, count: 1 });
  }

  get list(): readonly SourceCount[] {
    return [...this.#counts.values()].sort((a, b) => b.count - a.count);
  }
}

interface Counts {
  readonly sources: readonly SourceCount[];
  readonly atTarget: number;
  readonly missing: number;
}

/** As planning looks: node for node, since a text may have changed under a stamp that is right. */
async function countStore(
  store: NodeStore,
  target: RegisteredModel,
  where: NodeFilter | undefined,
  signal: AbortSignal,
): Promise<Counts> {
  const sources = new Sources();
  let after: string | undefined;
  do {
    signal.throwIfAborted();
    const page = await store.scan({
      notAt: target.info,
      limit: 10_000,
      signal,
      ...(where && { where }),
      ...(after !== undefined && { after }),
    });
    for (const head of page.items) sources.add(head);
    after = page.next;
  } while (after !== undefined);
  return { sources: sources.list, atTarget: 0, missing: 0 };
}

const READ_PAGE = 500;

async function countList(
  store: NodeStore,
  target: RegisteredModel,
  ids: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<Counts> {
  const sources = new Sources();
  const seen = new Set<string>();
  let page: string[] = [];
  let atTarget = 0;
  let missing = 0;
  const look = async () => {
    signal.throwIfAborted();
    const nodes = await store.read(page, { signal });
    missing += page.length - nodes.length;
    for (const node of nodes) {
      if (isAtTarget(node, target.info)) atTarget += 1;
      else sources.add(node);
    }
    page = [];
  };
  for await (const id of ids) {
    if (seen.has(id)) continue;
    seen.add(id);
    page.push(id);
    if (page.length === READ_PAGE) await look();
  }
  if (page.length > 0) await look();
  return { sources: sources.list, atTarget, missing };
}
