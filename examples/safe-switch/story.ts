/** The chapters. Each ends with claims that were computed, none with one that was only written down. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type Embedder, type EmbeddingVersionManager, type MigrationPlan, vectorBytes } from '@registry/core';
import { readCorpus } from '@registry/example-demo/corpus';
import type { Screen } from '@registry/example-demo/screen';
import { type SqliteNodeStore, scratchStore } from '@registry/node-memory';

export interface Stage {
  readonly manager: EmbeddingVersionManager;
  readonly store: SqliteNodeStore;
  readonly old: Embedder;
  readonly target: Embedder;
  readonly screen: Screen;
  /** Where the report goes. */
  readonly report: string;
  readonly signal: AbortSignal;
}

const SEED = 20;
const CUTOFF = 0.5;
const BATCH = 100;
const DUTY_CYCLE = 0.5;

/** True where every claim holds. */
export async function play(stage: Stage, folder: string, limit: number): Promise<boolean> {
  const { screen, manager, old, target, signal } = stage;
  const claims: boolean[] = [];
  const claim = (text: string, holds: boolean) => {
    claims.push(holds);
    screen.proof(text, holds);
  };
  const chapter = (title: string) => {
    signal.throwIfAborted();
    screen.chapter(title);
  };
  screen.title('A switch of embedding models that one can trust');

  chapter('Real texts, and a doctor');
  const nodes = await fill(stage, folder, limit);
  const before = await fingerprint(stage.store);
  await examine(stage, claim);

  chapter('What it would take');
  const to = { targetModelId: target.spec.modelId, targetVersion: target.spec.version };
  await estimate(stage, to, nodes, claim);

  chapter('A rehearsal on copies');
  const plan = await manager.createMigration({ ...to, batchSize: 25, dutyCycle: DUTY_CYCLE });
  const { planId } = plan;
  await rehearse(stage, planId, claim);
  claim('the nodes are as they were, byte for byte', (await fingerprint(stage.store)) === before);

  chapter('The gate, before the first write');
  const gate = await manager.evaluateMigration({ planId, seed: SEED, signal });
  for (const check of gate.checks) screen.say(`${check.outcome}: ${check.message}`);
  claim(`the gate says ${gate.verdict}: ${gate.reasons[0]}`, gate.verdict === 'go');

  chapter(`Migrate, working ${DUTY_CYCLE * 100} % of the time`);
  await migrate(stage, planId, claim);

  chapter('Cut over, and translate a cut-off');
  await cutOver(stage, plan, claim);

  chapter('Back again');
  await goBack(stage, planId, before, claim);
  await writeReport(stage, planId, claim);

  const held = claims.filter(Boolean).length;
  screen.proof(`${held} of ${claims.length} claims above hold`, held === claims.length);
  const { modelId } = old.spec;
  screen.say(`Active again: ${modelId}. The page stays, all else is removed.`, 'dim');
  return held === claims.length;
}

type Claim = (text: string, holds: boolean) => void;

async function fill(
  { manager, store, old, target, screen, signal }: Stage,
  folder: string,
  limit: number,
): Promise<number> {
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel(target.spec.toJSON());
  const { sections, files } = readCorpus(folder, limit);
  for (let start = 0; start < sections.length; start += BATCH) {
    signal.throwIfAborted();
    const batch = sections.slice(start, start + BATCH);
    const { vectors, info } = await manager.embed(batch.map(({ content }) => content));
    await store.insert(batch.map((section, index) => ({ ...section, vector: vectors[index]!, ...info })));
  }
  screen.say(`${sections.length} sections of ${files} Markdown files, embedded with ${old.spec.modelId}`);
  return sections.length;
}

async function examine({ manager, screen, target, signal }: Stage, claim: Claim): Promise<void> {
  const { findings, nodes = 0, sampled } = await manager.diagnose({ signal });
  screen.say(`${nodes} nodes read, ${sampled} of them embedded again`);
  for (const { severity, code, message } of findings) screen.say(`${severity} ${code}: ${message}`);
  claim(
    'the doctor finds no error',
    findings.every(({ severity }) => severity !== 'error'),
  );
  const { modelId, version } = target.spec;
  const witness = await manager.checkWitness({ modelId, version, signal });
  claim(`${modelId} still makes the vectors of its witness`, witness.state === 'agrees');
}

async function estimate(
  { manager, screen, signal }: Stage,
  to: { targetModelId: string; targetVersion: number },
  nodes: number,
  claim: Claim,
): Promise<void> {
  const found = await manager.estimateMigration({ ...to, signal });
  const { textsToEmbed } = found;
  screen.say(
    `${found.nodes} nodes, ${Math.round(textsToEmbed.value)} texts to embed (${textsToEmbed.basis})`,
  );
  claim('every node is counted', found.nodes === nodes);
}

async function rehearse({ manager, screen, signal }: Stage, planId: string, claim: Claim): Promise<void> {
  const report = await manager.rehearseMigration({ planId, scratchStore, nodes: 200, seed: SEED, signal });
  screen.say(`${report.kills.length} workers died: ${report.kills.join(', ')}`);
  screen.say(
    `${report.rateLimits} rate limits, ${report.textsEmbedded} texts, ${Math.round(report.nodesPerSecond)} nodes/s`,
  );
  for (const finding of report.findings) screen.say(finding, 'yellow');
  const { rollback, completed, nodes } = report;
  claim(`${completed} of ${nodes} copies were migrated whoever died`, completed === nodes);
  claim(
    `${rollback.restored} were put back byte for byte`,
    rollback.succeeded && report.verdict !== 'unsafe',
  );
  claim('rehearsed: safe to run', report.verdict === 'safe');
}

async function migrate({ manager, screen, signal }: Stage, planId: string, claim: Claim): Promise<void> {
  const off = manager.on('batch:settled', ({ plan, nodesPerSecond }) => {
    const { completedNodes: done, totalNodes: total } = plan;
    screen.progress({ label: 're-embedding', done, total, perSecond: nodesPerSecond });
  });
  const done = await manager.runMigration(planId, { signal });
  off();
  screen.endProgress();
  signal.throwIfAborted();
  claim(
    `${done.completedNodes} of ${done.totalNodes} nodes are at the target`,
    done.completedNodes === done.totalNodes,
  );
}

async function cutOver({ manager, screen, target, signal }: Stage, { planId }: MigrationPlan, claim: Claim) {
  await manager.cutoverMigration({ planId });
  // Another plan looks for what was written with the old model until just now.
  for (const { planId: later, status } of (await manager.listMigrations()).items)
    if (later !== planId && status === 'in_progress') await manager.runMigration(later, { signal });
  const { modelId } = await manager.getActiveModel();
  claim(`${modelId} is the active model`, modelId === target.spec.modelId);
  const cutoff = await manager.translateThreshold({ planId, threshold: CUTOFF, seed: SEED, signal });
  screen.say(
    `a score of ${CUTOFF} is ${cutoff.new.score.toFixed(3)} in the new space, by ${cutoff.hits} hits of a sample`,
  );
  claim(`${(cutoff.kept.value * 100).toFixed(1)} % of the hits stay`, cutoff.kept.value > 0.5);
}

async function goBack({ manager, store, old, signal }: Stage, planId: string, before: string, claim: Claim) {
  const report = await manager.rollbackMigration({ planId, signal });
  claim(`${report.restored} nodes were put back`, report.succeeded);
  claim('every node is what it was before, byte for byte', (await fingerprint(store)) === before);
  const { modelId } = await manager.getActiveModel();
  claim(`${modelId} is active again`, modelId === old.spec.modelId);
}

async function writeReport({ manager, report, screen }: Stage, planId: string, claim: Claim): Promise<void> {
  const { path, bytes } = await manager.writeReport({ planId, path: report });
  const page = readFileSync(path, 'utf8');
  screen.say(`${relative('.', path)}: ${bytes} bytes with course, verdict and journal`);
  claim('the page asks for nothing from elsewhere', !/https?:|<script|url\(/i.test(page));
}

/** One hash over texts, vectors and stamps of all nodes. */
async function fingerprint(store: SqliteNodeStore): Promise<string> {
  const hash = createHash('sha256');
  let after: string | undefined;
  do {
    const page = await store.scan({ limit: 500, ...(after !== undefined && { after }) });
    const nodes = await store.read(page.items.map(({ id }) => id));
    for (const { fence: _, vector, ...node } of [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1)))
      hash.update(JSON.stringify(Object.entries(node).sort())).update(vector ? vectorBytes(vector) : 'none');
    after = page.next;
  } while (after !== undefined);
  return hash.digest('hex');
}
