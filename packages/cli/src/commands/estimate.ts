import type { Estimate, MigrationEstimate, RegisteredModel, SourceCount } from '@registry/core';
import type { Output } from '../output.ts';
import { counted, dollars, grouped, modelName, reasonText, span, volume } from '../screen/phrases.ts';
import { endText } from './ends.ts';

/** The page of a dry run: what would be done, from where, and what it takes. */
export function showEstimate(output: Output, estimate: MigrationEstimate): void {
  const { target, nodes, strategy, strategyReason } = estimate;
  output.say(
    `${counted(nodes, 'node')} would be re-embedded with ${modelName(target)}; nothing was changed.`,
  );
  if (strategyReason !== undefined) output.say(`How: ${strategy}: ${strategyReason}`);
  showSources(output, estimate);
  if (estimate.atTarget > 0)
    output.say(`\n${counted(estimate.atTarget, 'node')} of the list are there already.`);
  if (estimate.missing > 0)
    output.say(`\n${counted(estimate.missing, 'node')} of the list are not in the store.`);
  if (nodes === 0) return;
  showFigures(output, estimate);
  showRemarks(output, estimate);
}

function showSources(output: Output, { sources, nodes, target }: MigrationEstimate): void {
  if (sources.length === 0) return;
  output.say();
  output.table<SourceCount>(
    [
      { title: 'FROM', cell: ({ source }) => sourceName(source, target), least: 16 },
      { title: 'NODES', cell: (one) => grouped(one.nodes), align: 'right' },
      {
        title: 'SHARE',
        cell: (one) => `${Math.round((one.nodes / nodes) * 100)} %`,
        align: 'right',
        spare: 1,
      },
    ],
    sources,
  );
}

function sourceName(source: SourceCount['source'], target: RegisteredModel): string {
  if (source === undefined) return 'unknown (no stamp)';
  const name = `${source.embeddingModelId}:v${source.embeddingVersion}`;
  if (name !== modelName(target)) return name;
  return source.embeddingChecksum === target.checksum
    ? `${name} (text changed since)`
    : `${name} (other checksum)`;
}

interface Figure {
  readonly what: string;
  readonly figure: Estimate;
  readonly as: (value: number) => string;
}

function showFigures(output: Output, estimate: MigrationEstimate): void {
  const rows: readonly (readonly [string, Estimate | undefined, Figure['as']])[] = [
    ['distinct texts', estimate.distinctTexts, grouped],
    ['of them cached', estimate.cachedTexts, grouped],
    ['texts to embed', estimate.textsToEmbed, grouped],
    ['tokens', estimate.tokens, grouped],
    ['price', estimate.dollars, dollars],
    ['time', estimate.seconds, span],
    ['registry grows by', estimate.registryBytes, volume],
    ['node store grows by', estimate.storeBytes, volume],
  ];
  output.say();
  output.table<Figure>(
    [
      { title: 'IT TAKES', cell: ({ what }) => what },
      { title: 'ABOUT', cell: ({ figure, as }) => as(figure.value), align: 'right' },
      { title: 'FROM', cell: ({ figure, as }) => (isSure(figure) ? '' : as(figure.low)), align: 'right' },
      { title: 'TO', cell: ({ figure, as }) => (isSure(figure) ? '' : as(figure.high)), align: 'right' },
      { title: 'KNOWN BY', cell: ({ figure }) => basisWords[figure.basis], spare: 1 },
    ],
    rows.flatMap(([what, figure, as]) => (figure === undefined ? [] : [{ what, figure, as }])),
  );
}

const isSure = ({ low, high }: Estimate) => low === high;
const basisWords = { exact: 'count', sampled: 'a sample', estimated: 'rules of thumb' };

function showRemarks(output: Output, estimate: MigrationEstimate): void {
  const { target, sample, withoutContent, seconds, tokens, dollars: price, calendar } = estimate;
  output.say();
  if (withoutContent > 0) output.say(`${counted(withoutContent, 'node')} without content would fail.`);
  if (sample.problem !== undefined)
    output.say(`The time is not known, since the embedder failed: ${reasonText(sample.problem)}`);
  else if (seconds === undefined)
    output.say(
      'The time is not known: the configuration file has no embedder of this model, or none was tried.',
    );
  else
    output.say(
      `The time is for a machine and server as fast as just now, at the pace of the plan: ${counted(sample.texts, 'text')} were embedded in ${counted(sample.calls, 'call')} to see. Rate limits are not foreseen.`,
    );
  if (tokens !== undefined && price === undefined)
    output.say('The model has no price: evr models update --price tells it.');
  for (const entry of calendar) {
    const isTarget = entry.modelId === target.modelId && entry.version === target.version;
    output.say(isTarget ? `The target itself: ${entry.message}` : endText(entry));
  }
}
