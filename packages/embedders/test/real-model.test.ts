import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { transformers } from '../src/index.ts';

const name = 'all-MiniLM-L6-v2';
const models = process.env.REGISTRY_TEST_MODELS ?? '../shared/models';
const path = join(models, name);
const isMissing = !existsSync(join(path, 'onnx/model.onnx'));
if (isMissing)
  console.warn(
    `NOT TESTED: ${name} with its real weights; set REGISTRY_TEST_MODELS to a folder that holds it.`,
  );

// The similarities that https://sbert.net shows for this model.
test.skipIf(isMissing)(`${name} makes the vectors it is known for`, async () => {
  await using embedder = await transformers({ path, truncate: true, maxTokens: 256 });
  const texts = ['The weather is lovely today.', "It's so sunny outside!", 'He drove to the stadium.'];
  const vectors = (await embedder.embed(texts, { purpose: 'document' })) as Float32Array[];
  const similarity = (a: number, b: number) =>
    vectors[a]!.reduce((sum, element, index) => sum + element * vectors[b]![index]!, 0);
  expect(embedder.spec.dimension).toBe(384);
  expect(similarity(0, 1)).toBeCloseTo(0.666, 3);
  expect(similarity(0, 2)).toBeCloseTo(0.1046, 3);
  expect(similarity(1, 2)).toBeCloseTo(0.1411, 3);
});
