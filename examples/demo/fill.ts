/** The application before the migration: real texts, embedded with the active model and stored. */
import { type Corpus, readCorpus, type Section } from './corpus.ts';
import type { Demo } from './demo.ts';
import { shownFolder } from './options.ts';

const BATCH = 100;
const FEWEST_SECTIONS = 40;

export interface Filled {
  readonly nodes: number;
  readonly files: number;
  readonly nodesPerSecond: number;
}

export async function fill(demo: Demo): Promise<Filled> {
  const { screen, settings, store } = demo;
  const corpus = readCorpus(settings.folder, settings.limit);
  if (corpus.sections.length < FEWEST_SECTIONS) {
    demo.folder.forget('settings'); // the next start may name another folder
    throw tooFew(corpus, settings.folder);
  }
  const characters = corpus.sections.reduce((sum, { content }) => sum + content.length, 0);
  screen.say(
    `${corpus.sections.length} sections of ${corpus.files} Markdown files, ${(characters / 1e6).toFixed(1)} million characters, from ${shownFolder(settings.folder)}`,
  );
  const startedAt = performance.now();
  const added = await embedAll(demo, corpus.sections);
  const seconds = (performance.now() - startedAt) / 1000;
  const nodesPerSecond = Math.round(added / seconds);
  const { modelId } = await demo.manager.getActiveModel();
  screen.say(`embedded with ${modelId}, the active model, and stored in ${seconds.toFixed(1)} s`);
  return { nodes: await store.count(), files: corpus.files, nodesPerSecond };
}

/** Nodes that an interrupted start has stored stay as they are. */
async function embedAll(demo: Demo, sections: readonly Section[]): Promise<number> {
  const { manager, store, screen, signal } = demo;
  const startedAt = performance.now();
  let added = 0;
  for (let start = 0; start < sections.length; start += BATCH) {
    signal.throwIfAborted();
    const batch = sections.slice(start, start + BATCH);
    const known = new Set((await store.read(batch.map(({ id }) => id))).map(({ id }) => id));
    const missing = batch.filter(({ id }) => !known.has(id));
    const { vectors, info } = await manager.embed(missing.map(({ content }) => content));
    await store.insert(missing.map((section, index) => ({ ...section, vector: vectors[index]!, ...info })));
    added += missing.length;
    const perSecond = added / ((performance.now() - startedAt) / 1000);
    screen.progress({ label: 'embedding', done: start + batch.length, total: sections.length, perSecond });
  }
  screen.endProgress();
  return added;
}

function tooFew({ sections }: Corpus, folder: string): Error {
  return new Error(
    `Below ${shownFolder(folder)} there are ${sections.length} Markdown sections of some length, and the demo wants ${FEWEST_SECTIONS}. Name another folder with --path.`,
  );
}
