import { afterEach, beforeEach, describe, it } from 'vitest';
import { thereAndBack } from './adapter-behaviour.ts';
import { collectionFacts } from './collection-facts.ts';
import { readFacts } from './read-facts.ts';
import { type QdrantScene, servers } from './servers.ts';
import { writeFacts } from './write-facts.ts';

/** A server far away, or of several machines, makes a collection in seconds. */
const A_WHILE_MS = 120_000;

const facts = { 'of reading': readFacts, 'of writing': writeFacts, 'of collections': collectionFacts };

describe.each(servers)('$title', ({ open }) => {
  let scene: QdrantScene | undefined;
  beforeEach(async () => {
    scene = await open?.();
  }, A_WHILE_MS);
  afterEach(async () => {
    await scene?.close();
    scene = undefined;
  }, A_WHILE_MS);

  describe.each(Object.entries(facts))('what the adapter relies on %s', (_, said) => {
    it.for(said)('$says', { timeout: A_WHILE_MS }, async ({ since = 0, holds }, { skip }) => {
      if (scene === undefined) return skip('QDRANT_URL is not set');
      skip(scene.minor < since, `only since 1.${since}`);
      await holds(scene);
    });
  });

  const strategies = [
    { strategy: 'shadow', since: 17 },
    { strategy: 'namedVector', since: 18 },
    { strategy: 'inPlace', since: 16 },
  ] as const;
  it.for(strategies)(
    'the adapter migrates there and back: $strategy',
    { timeout: A_WHILE_MS },
    async ({ strategy, since }, { skip }) => {
      if (scene === undefined) return skip('QDRANT_URL is not set');
      skip(scene.minor < since, `only since 1.${since}`);
      await thereAndBack(scene, strategy);
    },
  );
});
