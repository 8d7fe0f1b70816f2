// Embeds with a model: `idle` waits for the vectors, `disposing` disposes of the model then, `busy` leaves at a message.
import { transformers } from '../../src/index.ts';

const [, , mode, options = '{}'] = process.argv;
const embedder = await transformers(JSON.parse(options));
const call = embedder.embed(['a text'], { purpose: 'document' });
if (mode === 'busy') process.once('message', () => process.exit(7));
else {
  process.send?.((await call).length);
  process.disconnect();
  if (mode === 'disposing') await embedder[Symbol.asyncDispose]();
}
