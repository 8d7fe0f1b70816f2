import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Inference } from '../src/transformers/inference.ts';
import { failureOf } from './failure-of.ts';

test('a model whose process dies costs the calls in hand, and is started again for the next', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'registry-inference-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const settings = {
    name: join(folder, 'died once'),
    isLocal: true,
    host: undefined,
    cacheDir: undefined,
    revision: undefined,
    dtype: 'fp32',
    device: 'cpu',
    threads: undefined,
    pooling: 'mean',
    normalize: true,
    truncate: false,
    maxTokens: undefined,
  } as const;
  await using inference = new Inference(settings, new URL('./processes/dying-model.ts', import.meta.url));
  const failures = await Promise.all([
    failureOf(inference.embed(['a'], undefined)),
    failureOf(inference.embed(['b'], undefined)),
  ]);
  for (const { kind, message } of failures)
    expect([kind, message]).toEqual(['transient', expect.stringContaining('ended (3)')]);
  expect(await inference.embed(['a', 'b'], undefined)).toEqual([Float32Array.of(1), Float32Array.of(1)]);
});
