import { describe, expect, test } from 'vitest';
import { binaryHdv, hashedNgram } from '../src/index.ts';

const tokenCount = 20_000;
const longText = Array.from({ length: tokenCount }, (_, index) => `word${index}`).join(' ');

describe.each([
  ['binaryHdv', () => binaryHdv({ dimension: 64 })],
  ['hashedNgram', () => hashedNgram()],
])('%s', (_, make) => {
  test.each([
    ['one long text', [longText]],
    ['many short texts', longText.split(' ')],
  ])('lets others run while it embeds %s', async (_, texts) => {
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await make().embed(texts, { purpose: 'document' });
    isDone = true;
    expect(turns).toBeGreaterThanOrEqual(Math.floor(tokenCount / 1024));
  });

  test('stops in the middle of a text when the signal aborts', async () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error('enough')));
    const call = make().embed([longText], { purpose: 'document', signal: controller.signal });
    await expect(call).rejects.toThrow('enough');
  });
});
