import { describe, expect, it } from 'vitest';
import { parsePageMessage } from '../src/panels/protocol.ts';

describe('what a page says', () => {
  it.each([
    { type: 'ready' },
    { type: 'ask', id: 1, question: { name: 'models' } },
    { type: 'ask', id: 2, question: { name: 'tasks', input: { planId: 'p', limit: 50, status: 'failed' } } },
    { type: 'act', action: 'pause', planId: 'p' },
    { type: 'node', action: 'retryFailed', planId: 'p', nodeId: 'n' },
    { type: 'tune', planId: 'p', setting: 'throttleMs', value: 0 },
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
    ['another setting', { type: 'tune', planId: 'p', setting: '__proto__', value: 1 }],
    ['half a number', { type: 'tune', planId: 'p', setting: 'batchSize', value: 1.5 }],
  ])('is passed over: %s', (_, message) => {
    expect(parsePageMessage(message)).toBeUndefined();
  });
});
