import { settingLimits } from '@registry/core';
import { describe, expect, it } from 'vitest';
import { english } from '../src/language.ts';
import { previewLines } from '../src/model/estimate-text.ts';
import { gateLines } from '../src/model/gate-text.ts';
import { limitOf, parseTuning, type Tunable, tuningFlags, tuningValue } from '../src/model/pace-input.ts';

describe('limits as they are typed', () => {
  it.each([
    ['spendCap', '5 usd', { spendCap: { dollars: 5 } }],
    ['spendCap', '$5', undefined],
    ['spendCap', '0.5 USD', { spendCap: { dollars: 0.5 } }],
    ['spendCap', '90,000 tokens', { spendCap: { tokens: 90_000 } }],
    ['spendCap', '1.5 tokens', undefined],
    ['spendCap', '5', undefined],
    ['spendCap', '0 usd', undefined],
    ['spendCap', '', { spendCap: null }],
    ['dutyCycle', '25', { dutyCycle: 0.25 }],
    ['dutyCycle', '100 %', { dutyCycle: 1 }],
    ['dutyCycle', '5', undefined],
    ['dutyCycle', '', undefined],
    ['batchSize', '0', undefined],
    ['throttleMs', '0', { throttleMs: 0 }],
    ['maxParallelWorkers', '2.5', undefined],
  ] as const)('%s %j', (name: Tunable, text, tuning) => {
    const parsed = parseTuning(name, text, english);
    if (tuning === undefined) expect(parsed).toHaveProperty('complaint');
    else expect(parsed).toEqual({ tuning });
  });

  it('keep within what the library takes', () => {
    const { migrationBatchSize, migrationThrottleMs, maxParallelWorkers, dutyCycle } = settingLimits;
    expect(limitOf).toEqual({
      batchSize: migrationBatchSize,
      throttleMs: migrationThrottleMs,
      maxParallelWorkers,
      dutyCycle,
    });
  });

  it('are shown as they are typed, and handed to the command line', () => {
    const plan = { dutyCycle: 0.25, spendCap: { dollars: 5 } };
    for (const name of ['dutyCycle', 'spendCap'] as const)
      expect(parseTuning(name, tuningValue(name, plan), english)).toEqual({ tuning: { [name]: plan[name] } });
    expect(tuningFlags(plan)).toEqual(['--duty-cycle', '0.25', '--spend-cap', '5usd']);
    expect(tuningFlags({ spendCap: null })).toEqual([]);
  });
});

describe('what a migration takes', () => {
  const figure = (value: number, low: number, high: number) =>
    ({ value, low, high, basis: 'sampled' }) as const;

  it('is told with how sure it is', () => {
    const lines = previewLines(
      {
        total: 1_200,
        sources: [{ source: { embeddingModelId: 'old', embeddingVersion: 1 }, count: 1_199 }, { count: 1 }],
        tokens: figure(52_000, 50_000, 55_000),
        dollars: figure(0.0067, 0.0065, 0.007),
        seconds: figure(300, 240, 420),
        registryBytes: figure(2_400_000, 2_399_999, 2_400_001),
        withoutContent: 1,
      },
      english,
    );
    expect(lines).toEqual([
      '1,199 at old:v1',
      '1 without a stamp',
      '',
      'Tokens: about 52,000 (50,000 to 55,000)',
      'Price: about $0.0067 ($0.0065 to $0.0070)',
      'Time: about 5 min (4 min to 7 min)',
      'Registry grows by: 2.4 MB',
      'Without content, and so would fail: 1 node',
    ]);
  });

  it('says what is not known, and what is announced of the target', () => {
    const lines = previewLines(
      {
        total: 0,
        sources: [],
        tokens: figure(1, 1, 1),
        sample: { texts: 0, calls: 0, problem: { code: 'EMBEDDER_FAILED', message: 'No answer.' } },
        calendar: [
          {
            modelId: 'm',
            version: 1,
            phase: 'closing',
            urgency: 'urgent',
            date: '2026-01-02',
            daysLeft: 1,
            isActive: true,
            isSuccessorRegistered: false,
            message: '',
          },
        ],
      },
      english,
    );
    expect(lines.slice(1)).toEqual([
      'Tokens: 1',
      'The time is not known, since the embedder failed: EMBEDDER_FAILED: No answer.',
      'The price is not known: the model has none.',
      'm:v1: shuts down tomorrow',
    ]);
  });
});

it('a verdict of the gate has its reasons below it, as many as a dialog has room for', () => {
  const reasons = Array.from({ length: 8 }, (_, index) => `Reason ${index}.`);
  const report = { verdict: 'no-go', reasons, at: '2026-01-02T03:04:05.000Z' } as const;
  const lines = gateLines(report, english);
  expect(lines[0]).toBe('The gate says no-go. (2026-01-02 03:04 UTC)');
  expect(lines).toHaveLength(8);
  expect(lines.at(-1)).toContain('and 2 more');
});
