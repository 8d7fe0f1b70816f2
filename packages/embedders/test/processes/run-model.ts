// Embeds with a model and does not dispose of it: `idle` waits for the vectors, `busy` leaves at a message.
import { transformers } from '../../src/index.ts';

const [, , mode, options = '{}'] = process.argv;
const embedder = await transformers(JSON.parse(options));
const call = embedder.embed(['a text'], { purpose: 'document' });
if (mode === 'busy') process.once('message', () => process.exit(7));
else process.send?.((await call).length, () => process.disconnect());
