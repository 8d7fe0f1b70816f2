import type { Estimate, MigrationEstimate } from '@registry/core';
import type { Say } from '../language.ts';
import { endText, successorText } from './calendar-text.ts';
import { count, dollars, span, volume } from './figures.ts';
import { reasonText } from './in-editor-words.ts';
import { modelName, nodesText } from './plan-text.ts';

/** What `evr plan --dry-run` tells of a migration. */
export interface PlanPreview
  extends Partial<
    Pick<
      MigrationEstimate,
      | 'tokens'
      | 'dollars'
      | 'seconds'
      | 'registryBytes'
      | 'storeBytes'
      | 'textsToEmbed'
      | 'withoutContent'
      | 'calendar'
      | 'sample'
      | 'pace'
    >
  > {
  readonly total: number;
  readonly sources: readonly {
    readonly source?: { readonly embeddingModelId: string; readonly embeddingVersion: number };
    readonly count: number;
  }[];
}

/** Where the nodes come from, what it takes and how sure that is, and what speaks against it: a line each. */
export function previewLines(preview: PlanPreview, say: Say): readonly string[] {
  return [...sourceLines(preview, say), '', ...figureLines(preview, say), ...remarkLines(preview, say)];
}

function sourceLines({ sources }: PlanPreview, say: Say): readonly string[] {
  return sources.map(({ source, count: size }) =>
    source === undefined
      ? say('{count} without a stamp', { count: count(size) })
      : say('{count} at {model}', {
          count: count(size),
          model: modelName({ modelId: source.embeddingModelId, version: source.embeddingVersion }),
        }),
  );
}

function figureLines(preview: PlanPreview, say: Say): readonly string[] {
  const { textsToEmbed, tokens, dollars: price, seconds, registryBytes, storeBytes } = preview;
  const rows: readonly (readonly [string, Estimate | undefined, (value: number) => string])[] = [
    [say('Texts to embed'), textsToEmbed, count],
    [say('Tokens'), tokens, count],
    [say('Price'), price, dollars],
    [say('Time'), seconds, (value) => span(value, say)],
    [say('Registry grows by'), registryBytes, volume],
    [say('Node store grows by'), storeBytes, volume],
  ];
  return rows.flatMap(([name, figure, text]) =>
    figure === undefined ? [] : [`${name}: ${withRange(figure, text, say)}`],
  );
}

/** `about 1,200 (1,100 to 1,400)`; what was counted has no range, nor what is below the least that is told. */
function withRange({ value, low, high }: Estimate, text: (value: number) => string, say: Say): string {
  if (text(low) === text(high)) return text(value);
  return say('about {value} ({low} to {high})', { value: text(value), low: text(low), high: text(high) });
}

function remarkLines({ seconds, sample, tokens, dollars: price, ...rest }: PlanPreview, say: Say) {
  const { withoutContent = 0, calendar = [] } = rest;
  return [
    ...(seconds === undefined
      ? [
          sample?.problem === undefined
            ? say('The time is not known: nothing was embedded to measure it.')
            : say('The time is not known, since the embedder failed: {why}', {
                why: reasonText(sample.problem),
              }),
        ]
      : []),
    ...(tokens !== undefined && price === undefined
      ? [say('The price is not known: the model has none.')]
      : []),
    ...(withoutContent > 0
      ? [say('Without content, and so would fail: {nodes}', { nodes: nodesText(withoutContent, say) })]
      : []),
    ...calendar.map((entry) => {
      const next = successorText(entry, say);
      const text = `${modelName(entry)}: ${endText(entry, say)}`;
      return next === undefined ? text : `${text} → ${next}`;
    }),
  ];
}
