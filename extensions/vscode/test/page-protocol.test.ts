import { describe, expect, it } from 'vitest';
import { parsePageMessage } from '../src/panels/protocol.ts';

describe('what a page says', () => {
  it.each([
    { type: 'ready' },
    { type: 'ask', id: 1, question: { name: 'models' } },
    { type: 'ask', id: 2, question: { name: 'tasks', input: { planId: 'p', limit: 50, status: 'failed' } } },
    { type: 'act', action: 'pause', planId: 'p' },
    { type: 'node', action: 'retryFailed', planId: 'p', nodeId: 'n' },
    { type: 'tune', planId: 'p', tuning: { throttleMs: 0 } },
    { type: 'tune', planId: 'p', tuning: { spendCap: null, dutyCycle: 0.5 } },
    { type: 'cause', planId: 'p', errorCode: 'EMBEDDER_FAILED' },
    { type: 'diagnose' },
    { type: 'mend', command: 'migrateToModel', model: { modelId: 'm', version: 1 } },
  ])('is understood: $type', (message) => {
    expect(parsePageMessage(message)).toEqual(message);
  });

  it.each([
    ['nothing', undefined],
    ['an unknown type', { type: 'eval', code: '1' }],
    ['a method that writes', { type: 'ask', id: 1, question: { name: 'removeModel', input: {} } }],
    ['a member of every object', { type: 'ask', id: 1, question: { name: 'constructor' } }],
    ['an action that no page has', { type: 'act', action: 'setApiKey', planId: 'p' }],
    ['an action on no node', { type: 'node', action: 'retryFailed', planId: 'p', nodeId: '' }],
    ['another path', { type: 'ask', id: 1, question: { name: 'plan', input: { planId: 'p', path: 'x' } } }],
    ['too long a page', { type: 'ask', id: 1, question: { name: 'journal', input: { limit: 100_000 } } }],
    ['another setting', { type: 'tune', planId: 'p', tuning: { priority: 1 } }],
    ['half a number', { type: 'tune', planId: 'p', tuning: { batchSize: 1.5 } }],
    ['a cap of nothing', { type: 'tune', planId: 'p', tuning: { spendCap: { dollars: 0 } } }],
    [
      'a file to write',
      { type: 'ask', id: 1, question: { name: 'report', input: { planId: 'p', path: 'x' } } },
    ],
    ['a command that mends nothing', { type: 'mend', command: 'setApiKey' }],
  ])('is passed over: %s', (_, message) => {
    expect(parsePageMessage(message)).toBeUndefined();
  });
});
