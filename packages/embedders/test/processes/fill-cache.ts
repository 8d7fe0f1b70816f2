// Embeds texts through the cache of a file, as fast as it can, and tells how many were embedded.
import { testEmbedder } from '@registry/core/testing';
import { withCache } from '../../src/index.ts';

const [, , path = '', from = '', to = ''] = process.argv;
const embedder = testEmbedder();
// Not `await using`: Node 22 cannot read it.
const cached = withCache(embedder, { path });
process.send?.('ready');
await new Promise((go) => process.once('message', go));
for (let number = Number(from); number < Number(to); number += 4)
  await cached.embed(
    [0, 1, 2, 3].map((more) => `text ${number + more}`),
    { purpose: 'document' },
  );
await cached[Symbol.asyncDispose]();
process.send?.(embedder.textsSeen.length);
process.disconnect();
