import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MajorityVote } from '../src/majority-vote.ts';

const words = 3;
const vector = fc.int32Array({ minLength: words, maxLength: words });

function bitsOf(vector: Int32Array): number[] {
  return [...vector].flatMap((word) => Array.from({ length: 32 }, (_, bit) => (word >>> (31 - bit)) & 1));
}

function plainMajority(added: readonly { vector: Int32Array; shift: number }[]): number[] {
  const counts = new Array<number>(words * 32).fill(0);
  for (const { vector, shift } of added)
    for (const [index, bit] of bitsOf(vector).entries()) counts[(index + shift) % counts.length]! += bit;
  return counts.map((count) => (2 * count > added.length ? 1 : 0));
}

test('a bit is set where more than half of the rolled vectors set it', () => {
  const vote = new MajorityVote(words);
  const rolled = fc.record({ vector, shift: fc.nat({ max: 1000 }) });
  fc.assert(
    fc.property(fc.array(rolled, { maxLength: 40 }), (added) => {
      for (const { vector, shift } of added) vote.addRolled(vector, shift);
      const bytes = vote.take();
      const taken = [...bytes].flatMap((byte) =>
        Array.from({ length: 8 }, (_, bit) => (byte >>> (7 - bit)) & 1),
      );
      expect(taken).toEqual(plainMajority(added));
    }),
  );
});

test.each([1, 2, 3, 4, 7, 8, 255, 256, 257, 4096])('counts %i equal vectors', (count) => {
  const vote = new MajorityVote(1);
  for (let added = 0; added < count; added++) vote.addRolled(Int32Array.of(0x0f0f_0f0f), 0);
  expect([...vote.take()]).toEqual([0x0f, 0x0f, 0x0f, 0x0f]);
});
