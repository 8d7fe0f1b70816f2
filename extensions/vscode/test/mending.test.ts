import { type Finding, type FindingCode, findingCodes } from '@registry/core';
import { describe, expect, it } from 'vitest';
import { english } from '../src/language.ts';
import { mendingLabel, mendingOf, severityText } from '../src/model/mending.ts';
import type { ModelData } from '../src/registry-process/messages.ts';

const model = (modelId: string, more: Partial<ModelData> = {}): ModelData => ({
  modelId,
  version: 1,
  dimension: 4,
  checksum: 'c',
  datatype: 'float32',
  distance: 'cosine',
  createdAt: '2026-01-01T00:00:00.000Z',
  isActive: false,
  ...more,
});
const models = [
  model('old', { successor: { modelId: 'new', version: 1 } }),
  model('new', { isActive: true }),
  model('orphan', { successor: { modelId: 'unheard-of', version: 1 } }),
];
const finding = (code: FindingCode, more: Partial<Finding> = {}): Finding => ({
  code,
  severity: 'warning',
  count: 1,
  sample: [],
  message: 'm',
  remedy: 'r',
  ...more,
});
const offered = (found: Finding) => {
  const mending = mendingOf(found, models);
  return mending && mendingLabel(mending, english);
};

describe('what mends a finding', () => {
  it.each([
    [finding('BEHIND', { model: { modelId: 'old', version: 1 } }), 'Migrate to new:v1…'],
    [finding('BEHIND', { planId: 'p' }), 'Start Migration'],
    [finding('MODEL_CLOSING', { model: { modelId: 'old', version: 1 } }), 'Migrate to new:v1…'],
    [finding('MODEL_SHUT_DOWN', { model: { modelId: 'orphan', version: 1 } }), undefined],
    [finding('WITNESS_MISSING', { model: { modelId: 'new', version: 1 } }), 'Check Witness'],
    [finding('UNSTAMPED'), 'Stamp Nodes As…'],
    [finding('PLAN_FAILED_NODES', { planId: 'p' }), 'Watch Migration'],
    [finding('EMPTY_CONTENT'), undefined],
  ])('$code of $model.modelId, plan $planId', (found, label) => {
    expect(offered(found)).toBe(label);
  });

  it('is never a command on what is not there', () => {
    for (const code of Object.keys(findingCodes) as FindingCode[])
      expect(mendingOf(finding(code), []), code).not.toMatchObject({ command: 'migrateToModel' });
  });

  it('is summed up by how bad it is', () => {
    const two = [finding('BEHIND'), finding('STALE')];
    expect(severityText([finding('ZERO_VECTOR', { severity: 'error' }), ...two], english)).toBe(
      '1 error, 2 warnings',
    );
    expect(severityText([], english)).toBe('Nothing is wrong.');
  });
});
