import type { Say } from '../language.ts';
import type { ModelData } from '../registry-process/messages.ts';
import { faultRow, type Reader, registryRow } from './branches.ts';
import { moment } from './figures.ts';
import { modelName } from './plan-text.ts';
import type { RegistryFile } from './registry-file.ts';
import { type Row, tooltip } from './row.ts';

/** What stands behind a row. */
export type ModelsBranch = { readonly row: Row; readonly file: RegistryFile } & (
  | { readonly kind: 'registry' | 'fault' }
  | { readonly kind: 'family'; readonly versions: readonly ModelData[] }
  | { readonly kind: 'model'; readonly model: ModelData }
);

/** Models by id, with their versions below, the newest first. */
export class ModelsTree {
  readonly #reader: Reader;
  readonly #say: Say;

  constructor(reader: Reader, say: Say) {
    this.#reader = reader;
    this.#say = say;
  }

  async roots(files: readonly RegistryFile[]): Promise<readonly ModelsBranch[]> {
    const [only] = files;
    if (files.length === 1 && only !== undefined) return this.#families(only);
    return files.map((file) => ({ kind: 'registry', file, row: registryRow(file, this.#say) }));
  }

  async children(branch: ModelsBranch): Promise<readonly ModelsBranch[]> {
    if (branch.kind === 'registry') return this.#families(branch.file);
    if (branch.kind !== 'family') return [];
    return branch.versions.map((model) => ({
      kind: 'model',
      file: branch.file,
      model,
      row: modelRow(branch.file, model, this.#say),
    }));
  }

  async #families(file: RegistryFile): Promise<readonly ModelsBranch[]> {
    try {
      const models = await this.#reader.read(file.path, 'models');
      const families = Map.groupBy(models, ({ modelId }) => modelId);
      return [...families].map(([modelId, versions]) => this.#family(file, modelId, versions));
    } catch (error) {
      return [{ kind: 'fault', file, row: faultRow(file, error, this.#say) }];
    }
  }

  #family(file: RegistryFile, modelId: string, models: readonly ModelData[]): ModelsBranch {
    const say = this.#say;
    const versions = [...models].sort((a, b) => b.version - a.version);
    const active = versions.find((model) => model.isActive);
    const description = active
      ? say('active: v{version}', { version: active.version })
      : versions.length === 1
        ? say('1 version')
        : say('{count} versions', { count: versions.length });
    const row: Row = {
      id: `${file.path}|family|${modelId}`,
      label: modelId,
      description,
      icon: { name: 'layers' },
      spoken: `${modelId}, ${description}`,
      context: 'family',
      expansion: active ? 'expanded' : 'collapsed',
    };
    return { kind: 'family', file, versions, row };
  }
}

function modelRow(file: RegistryFile, model: ModelData, say: Say): Row {
  const shape = `${model.dimension} × ${model.datatype} · ${model.checksum.slice(0, 8)}`;
  const description = model.isActive ? `${say('active')} · ${shape}` : shape;
  return {
    id: `${file.path}|model|${modelName(model)}`,
    label: `v${model.version}`,
    description,
    icon: model.isActive ? { name: 'pass-filled', color: 'testing.iconPassed' } : { name: 'circle-outline' },
    spoken: [
      say('{model} version {version}', { model: model.modelId, version: model.version }),
      model.isActive ? say('active') : say('not active'),
      say('{count} dimensions', { count: model.dimension }),
    ].join(', '),
    context: model.isActive ? 'model active' : 'model activatable',
    expansion: 'none',
    tooltip: tooltip(modelName(model), {
      [say('Name')]: model.name,
      [say('Description')]: model.description,
      [say('Dimension')]: String(model.dimension),
      [say('Datatype')]: model.datatype,
      [say('Distance')]: model.distance,
      [say('Checksum')]: model.checksum,
      [say('Registered')]: moment(model.createdAt),
      [say('Shut down')]: moment(model.shutdownAt),
      [say('Successor')]: model.successor && modelName(model.successor),
    }),
  };
}
