import { expect, test } from 'vitest';
import { TokenCache } from '../src/token-cache.ts';

test('makes each token once while it is in use', () => {
  const made: string[] = [];
  const cache = new TokenCache(4, (token) => {
    made.push(token);
    return token.toUpperCase();
  });
  for (const token of ['a', 'b', 'a', 'c', 'a', 'd', 'a', 'e', 'a'])
    expect(cache.get(token)).toBe(token.toUpperCase());
  expect(made).toEqual(['a', 'b', 'c', 'd', 'e']);
  cache.get('b');
  expect(made.at(-1)).toBe('b');
});

test('tells long tokens apart and keeps none past 64 units', () => {
  let made = 0;
  const cache = new TokenCache(100, (token) => {
    made++;
    return token;
  });
  const long = 'ab'.repeat(20);
  expect([cache.get(long), cache.get(`${long}c`), cache.get(long)]).toEqual([long, `${long}c`, long]);
  expect(made).toBe(2);
  const data = 'x'.repeat(65);
  expect([cache.get(data), cache.get(data)]).toEqual([data, data]);
  expect(made).toBe(4);
});
