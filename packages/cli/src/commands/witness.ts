import {
  type Embedder,
  type EmbeddingVersionManager,
  isRegistryError,
  type RegisteredModel,
  type WitnessReport,
} from '@registry/core';
import * as z from 'zod';
import { opened } from '../call.ts';
import { modelOf } from '../names.ts';
import type { Output } from '../output.ts';
import { modelName, reasonText } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const schema = z.object({ model: z.string().optional(), renew: z.boolean().optional() });

/** A report, or why there is none. */
interface Line {
  readonly model: RegisteredModel;
  readonly report?: WitnessReport;
  readonly error?: { readonly code: string; readonly message: string };
}

export const witness = opened('work', schema, async (call, o, { manager, embedders }) => {
  const models = wantedOf(await manager.listModels(), embedders, o.model);
  if (o.renew) {
    if (o.model === undefined) throw new UsageError('--renew is for one model; name it.');
    call.output.note(
      'Takes what the embedder makes now for what the model is. Vectors that are stored may be of what it was.',
    );
    await call.confirm('Keep it as its witness?', 'a new witness');
  }
  const lines: Line[] = [];
  for (const model of models) lines.push(await lineOf(manager, model, o.renew ?? false));
  showLines(call.output, lines);
  const hasFailed = lines.some(({ error }) => error !== undefined);
  const items = lines.map(({ model, report, error }) => ({
    ...report,
    model: model.toJSON(),
    ...(error && { error }),
  }));
  return { exitCode: hasFailed ? 1 : 0, data: { items } };
});

function wantedOf(
  models: readonly RegisteredModel[],
  embedders: readonly Embedder[],
  written: string | undefined,
): readonly RegisteredModel[] {
  if (written !== undefined) return [modelOf(models, written, 'in the registry')];
  const wanted = models.filter((model) =>
    embedders.some(({ spec }) => spec.modelId === model.modelId && spec.version === model.version),
  );
  if (wanted.length > 0) return wanted;
  throw new UsageError('No registered model has an embedder in the configuration file.', {
    advice: '`evr models register` registers those that are there.',
  });
}

/** One model that fails keeps none of the others from being looked at. */
async function lineOf(
  manager: EmbeddingVersionManager,
  model: RegisteredModel,
  renew: boolean,
): Promise<Line> {
  const { modelId, version } = model;
  try {
    const signal = terminal.stopSignal();
    return { model, report: await manager.checkWitness({ modelId, version, signal, renew }) };
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    return { model, error: { code: error.code, message: error.message } };
  }
}

function showLines(output: Output, lines: readonly Line[]): void {
  output.table<Line>(
    [
      { title: 'MODEL', cell: ({ model }) => modelName(model), least: 16 },
      { title: 'WITNESS', cell: ({ report, error }) => error?.code ?? report?.state ?? '' },
      { title: 'SIMILARITY', cell: ({ report }) => report?.similarity?.toFixed(4) ?? '', align: 'right' },
      {
        title: 'AT LEAST',
        cell: ({ report }) => report?.tolerance?.toString() ?? '',
        align: 'right',
        spare: 2,
      },
      { title: 'MADE', cell: ({ report }) => report?.madeAt?.slice(0, 10) ?? '', spare: 1 },
    ],
    lines,
  );
  for (const { error } of lines) if (error !== undefined) output.note(`\n${reasonText(error)}`);
}
