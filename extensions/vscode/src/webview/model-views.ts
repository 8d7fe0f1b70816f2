import type { ModelRef } from '@registry/core';
import type { Say } from '../language.ts';
import { count, moment } from '../model/figures.ts';
import { type NodeCounts, nodesAt } from '../model/node-counts.ts';
import { modelName, qualifiedId } from '../model/plan-text.ts';
import type { ModelData } from '../registry-process/messages.ts';
import { element, table } from './dom.ts';

export function modelTable(
  models: readonly ModelData[],
  { counts, open }: { counts: NodeCounts | undefined; open: (model: ModelRef) => void },
  say: Say,
): HTMLElement {
  const rows = models.map((model) => [
    element('button', { type: 'button', class: 'link', onClick: () => open(model) }, modelName(model)),
    model.isActive ? element('span', { class: 'pill completed' }, say('active')) : '',
    ...(counts ? [count(nodesAt(counts, model))] : []),
    count(model.dimension),
    model.datatype,
    model.distance,
    model.checksum.slice(0, 16),
    moment(model.createdAt),
  ]);
  const titles = [
    say('Model'),
    '',
    ...(counts ? [say('Nodes')] : []),
    say('Dimension'),
    say('Datatype'),
    say('Distance'),
    say('Checksum'),
    say('Registered'),
  ];
  return table(say('Models'), titles, rows);
}

/** Everything that is known of one model. */
export function modelDetails(model: ModelData, counts: NodeCounts | undefined, say: Say): HTMLElement {
  const { maxInputTokens, pricePerMillionTokens, successor } = model;
  const facts: readonly (readonly [string, string | undefined])[] = [
    [say('Qualified id'), qualifiedId(model)],
    [say('Name'), model.name],
    [say('Description'), model.description],
    [say('Nodes'), counts && count(nodesAt(counts, model))],
    [say('Dimension'), count(model.dimension)],
    [say('Datatype'), model.datatype],
    [say('Distance'), model.distance],
    [say('Checksum'), model.checksum],
    [
      say('Longest input'),
      maxInputTokens === undefined ? undefined : say('{count} tokens', { count: count(maxInputTokens) }),
    ],
    [
      say('Price'),
      pricePerMillionTokens === undefined
        ? undefined
        : say('{price} US dollars for a million tokens', { price: pricePerMillionTokens }),
    ],
    [say('Registered'), moment(model.createdAt)],
    [say('Deprecated'), model.deprecatedAt],
    [say('Shut down'), model.shutdownAt],
    [say('Successor'), successor && modelName(successor)],
  ];
  const rows = facts.flatMap(([name, value]) =>
    value ? [element('dt', {}, name), element('dd', {}, value)] : [],
  );
  return element(
    'article',
    {},
    element(
      'h2',
      {},
      modelName(model),
      ' ',
      model.isActive ? element('span', { class: 'pill completed' }, say('active')) : undefined,
    ),
    element('dl', { class: 'facts' }, ...rows),
  );
}
