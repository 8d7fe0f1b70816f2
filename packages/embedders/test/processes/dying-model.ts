// Stands in for the process of a model: dies at its first text, and answers once it was started again.
import { existsSync, writeFileSync } from 'node:fs';
import type { Request } from '../../src/transformers/messages.ts';

let marker = '';
process.on('message', (request: Request) => {
  if (request.kind === 'load') marker = request.settings.name;
  if (request.kind !== 'embed') return;
  if (existsSync(marker))
    process.send?.({ id: request.id, vectors: request.texts.map(() => Float32Array.of(1)) });
  else {
    writeFileSync(marker, '');
    process.exit(3);
  }
});
process.on('disconnect', () => process.exit());
