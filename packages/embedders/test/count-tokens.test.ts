import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openAICompatible } from '../src/index.ts';

const counter = (model: string) =>
  openAICompatible({ baseURL: 'http://localhost/v1', model, dimension: 4 }).countTokens!;

test.each(['text-embedding-3-small', 'text-embedding-3-large', 'openai/text-embedding-ada-002'])(
  'the tokens of %s are counted with its tokenizer',
  async (model) => {
    const texts = ['tiktoken is great!', 'hello world', '<|endoftext|>', ''];
    expect(await counter(model)(texts)).toEqual({ tokens: [6, 2, 7, 0], exact: true });
  },
);

test('a run of letters without end is counted in pieces, at once and as an estimate', async () => {
  const { tokens, exact } = await counter('text-embedding-3-small')(['a'.repeat(200_000), 'short']);
  expect(exact).toBe(false);
  expect(Math.abs(tokens[0]! - 25_000)).toBeLessThan(1000);
});

test('the tokens of other models are estimated, and said to be', async () => {
  const { tokens, exact } = await counter('nomic-embed-text')(['', 'a']);
  expect({ tokens, exact }).toEqual({ tokens: [1, 1], exact: false });
});

const sample = (text: string) => text.repeat(20);
test.each([
  ['prose', readFileSync('ARCHITECTURE.md', 'utf8')],
  ['code', readFileSync('packages/core/src/manager.ts', 'utf8')],
  ['German', sample('Die Registrierung weiß, welches Modell welchen Vektor erzeugt hat. ')],
  ['Russian', sample('Реестр моделей знает, какая модель сделала каждый вектор. ')],
  ['Arabic', sample('يعرف السجل أي نموذج صنع كل متجه ويعيد تضمين المخزن بأمان. ')],
  ['Chinese', sample('注册表知道每个向量由哪个模型生成，并在后台安全地重新嵌入整个存储。')],
  ['Japanese', sample('登録簿はどのモデルがどのベクトルを作ったかを知っている。')],
  ['numbers', sample('0.123456 -17.25 2026-11-23 ')],
])('the estimate is within a third of the true number for %s', async (_, text) => {
  const { tokens } = await counter('text-embedding-3-small')([text]);
  const estimate = await counter('unknown')([text]);
  const ratio = estimate.tokens[0]! / tokens[0]!;
  expect(ratio).toBeGreaterThan(2 / 3);
  expect(ratio).toBeLessThan(4 / 3);
});
