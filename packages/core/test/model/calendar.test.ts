import { describe, expect, test } from 'vitest';
import { calendarOf } from '../../src/model/calendar.ts';
import { EmbeddingModelSpec, type ModelNotes, RegisteredModel } from '../../src/model/model-spec.ts';

const spec = (modelId: string, version = 1) =>
  new EmbeddingModelSpec({ modelId, version, dimension: 8, checksum: `${modelId}-${version}-checksum` });

function model(modelId: string, notes: ModelNotes = {}, isActive = false): RegisteredModel {
  return new RegisteredModel(spec(modelId), notes, { createdAt: '2026-01-01T00:00:00.000Z', isActive });
}

const at = (time: string) => Date.parse(time);
const only = (notes: ModelNotes, now: string) => calendarOf([model('m', notes)], { now: at(now) })[0];

describe('days left', () => {
  const shutdownAt = '2026-06-30';

  test.each([
    ['2026-03-31T23:59:59Z', undefined],
    ['2026-04-01T00:00:00Z', { daysLeft: 90, phase: 'closing', urgency: 'notice' }],
    ['2026-05-30T12:00:00Z', { daysLeft: 31, phase: 'closing', urgency: 'notice' }],
    ['2026-05-31T12:00:00Z', { daysLeft: 30, phase: 'closing', urgency: 'warning' }],
    ['2026-06-22T23:00:00Z', { daysLeft: 8, phase: 'closing', urgency: 'warning' }],
    ['2026-06-23T00:00:00Z', { daysLeft: 7, phase: 'closing', urgency: 'urgent' }],
    ['2026-06-29T23:59:59Z', { daysLeft: 1, phase: 'closing', urgency: 'urgent' }],
    ['2026-06-30T00:00:00Z', { daysLeft: 0, phase: 'shutDown', urgency: 'urgent' }],
    ['2027-06-30T00:00:00Z', { daysLeft: -365, phase: 'shutDown', urgency: 'urgent' }],
  ])('at %s', (now, expected) => {
    const entry = only({ shutdownAt }, now);
    if (expected === undefined) expect(entry).toBeUndefined();
    else expect(entry).toMatchObject({ ...expected, date: shutdownAt });
  });

  test('a time with a zone counts from the day it is in UTC, and is over from its moment on', () => {
    const notes = { shutdownAt: '2026-06-30T23:30:00-02:00' };
    expect(only(notes, '2026-06-30T20:00:00Z')).toMatchObject({ daysLeft: 1, phase: 'closing' });
    expect(only(notes, '2026-07-01T01:29:59Z')).toMatchObject({ daysLeft: 0, phase: 'closing' });
    expect(only(notes, '2026-07-01T01:30:00Z')).toMatchObject({ daysLeft: 0, phase: 'shutDown' });
  });

  test('a deprecation is a notice, and gives way to a shutdown that is near', () => {
    expect(only({ deprecatedAt: '2026-01-31' }, '2025-10-01T00:00:00Z')).toBeUndefined();
    const ahead = only({ deprecatedAt: '2026-01-31' }, '2026-01-01T00:00:00Z');
    expect(ahead).toMatchObject({ phase: 'deprecated', daysLeft: 30, urgency: 'notice' });
    expect(ahead?.message).toBe('m:v1:m-1-chec will be deprecated on 2026-01-31 (in 30 days).');
    const both = { deprecatedAt: '2026-01-31', shutdownAt: '2026-12-31' };
    expect(only(both, '2026-02-01T00:00:00Z')).toMatchObject({ phase: 'deprecated', daysLeft: -1 });
    expect(only(both, '2026-12-01T00:00:00Z')).toMatchObject({ phase: 'closing', date: '2026-12-31' });
  });

  test('says so in a sentence', () => {
    const say = (now: string) => only({ shutdownAt }, now)?.message;
    expect(say('2026-05-20T00:00:00Z')).toBe('m:v1:m-1-chec shuts down on 2026-06-30 (in 41 days).');
    expect(say('2026-06-29T00:00:00Z')).toBe('m:v1:m-1-chec shuts down on 2026-06-30 (tomorrow).');
    expect(say('2026-06-30T10:00:00Z')).toBe('m:v1:m-1-chec was shut down on 2026-06-30 (today).');
    expect(say('2026-07-02T10:00:00Z')).toBe('m:v1:m-1-chec was shut down on 2026-06-30 (2 days ago).');
    expect(only({ deprecatedAt: '2026-01-31' }, '2026-02-01T00:00:00Z')?.message).toBe(
      'm:v1:m-1-chec has been deprecated since 2026-01-31 (yesterday).',
    );
  });

  test('what an older version let in as a date, and is none, is no announcement', () => {
    expect(only({ shutdownAt: 'soon' }, '2026-06-30T00:00:00Z')).toBeUndefined();
    expect(only({}, '2026-06-30T00:00:00Z')).toBeUndefined();
  });
});

describe('models in use', () => {
  const now = at('2026-06-01T00:00:00Z');
  const near = { shutdownAt: '2026-06-20' };

  test('are those that are active or have made stored vectors, with their nodes', () => {
    const models = [
      model('unused', near),
      model('active', near, true),
      model('stamped', { ...near, shutdownAt: '2026-06-10' }),
    ];
    const counts = [
      { info: spec('stamped').info, count: 40 },
      { info: { ...spec('stamped').info, embeddingChecksum: '' }, count: 2 },
      { info: { ...spec('unused').info, embeddingChecksum: 'other' }, count: 9 },
      { count: 7 },
    ];
    const entries = calendarOf(models, { now, counts });
    expect(entries.map(({ modelId, nodes, isActive }) => ({ modelId, nodes, isActive }))).toEqual([
      { modelId: 'stamped', nodes: 42, isActive: false },
      { modelId: 'active', nodes: 0, isActive: true },
    ]);
    expect(calendarOf(models, { now })).toHaveLength(3);
    expect(calendarOf(models, { now })[0]).not.toHaveProperty('nodes');
  });

  test('the nearest end comes first, deprecations last', () => {
    const models = [
      model('old', { deprecatedAt: '2020-01-01' }),
      model('later', { shutdownAt: '2026-08-01' }),
      model('gone', { shutdownAt: '2026-05-01' }),
      model('near', near),
    ];
    expect(calendarOf(models, { now }).map(({ modelId }) => modelId)).toEqual([
      'gone',
      'near',
      'later',
      'old',
    ]);
  });

  test('a successor is named, and whether a migration to it can be planned', () => {
    const next = { modelId: 'next', version: 1 };
    const closing = model('m', { ...near, successor: next });
    const [alone] = calendarOf([closing], { now });
    expect(alone).toMatchObject({ successor: next, isSuccessorRegistered: false });
    const [both] = calendarOf([closing, model('next')], { now });
    expect(both).toMatchObject({ successor: next, isSuccessorRegistered: true });
    const itself = model('m', { ...near, successor: { modelId: 'm', version: 1 } });
    expect(calendarOf([itself], { now })[0]).toMatchObject({ isSuccessorRegistered: false });
  });
});
