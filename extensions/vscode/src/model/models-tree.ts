import type { Say } from '../language.ts';
import type { ModelData } from '../registry-process/messages.ts';
import { faultRow, noteRow, type Reader, registryRow } from './branches.ts';
import { count, moment } from './figures.ts';
import { type NodeCounts, nodesAt, strangers, unstampedNodes } from './node-counts.ts';
import { modelName } from './plan-text.ts';
import type { RegistryFile } from './registry-file.ts';
import { type Row, tooltip } from './row.ts';

/** What stands behind a row. */
export type ModelsBranch = { readonly row: Row; readonly file: RegistryFile } & (
  | { readonly kind: 'registry' | 'fault' | 'note' | 'unstamped' | 'stranger' }
  | { readonly kind: 'family'; readonly versions: readonly ModelData[] }
  | { readonly kind: 'model'; readonly model: ModelData }
);

/** Models by id, with their versions below, the newest first; then the nodes that are at none of them. */
export class ModelsTree {
  readonly #reader: Reader;
  readonly #say: Say;
  readonly #counts: (path: string) => NodeCounts | undefined;

  /** `counts`: nodes of a registry, where they were counted. */
  constructor(reader: Reader, say: Say, counts: (path: string) => NodeCounts | undefined = () => undefined) {
    this.#reader = reader;
    this.#say = say;
    this.#counts = counts;
  }

  async roots(files: readonly RegistryFile[]): Promise<readonly ModelsBranch[]> {
    const [only] = files;
    if (files.length === 1 && only !== undefined) return this.#families(only);
    return files.map((file) => ({ kind: 'registry', file, row: registryRow(file, this.#say) }));
  }

  async children(branch: ModelsBranch): Promise<readonly ModelsBranch[]> {
    const { file } = branch;
    if (branch.kind === 'registry') {
      const families = await this.#families(file);
      const text = this.#say('No model is registered yet.');
      return families.length > 0 ? families : [{ kind: 'note', file, row: noteRow(file.path, text) }];
    }
    if (branch.kind !== 'family') return [];
    const counts = this.#counts(file.path);
    return branch.versions.map((model) => ({
      kind: 'model',
      file,
      model,
      row: modelRow(file, model, counts, this.#say),
    }));
  }

  async #families(file: RegistryFile): Promise<readonly ModelsBranch[]> {
    try {
      const models = await this.#reader.read(file.path, 'models');
      const families = Map.groupBy(models, ({ modelId }) => modelId);
      return [
        ...[...families].map(([modelId, versions]) => this.#family(file, modelId, versions)),
        ...this.#others(file, models),
      ];
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
      expansion: active || versions.length === 1 ? 'expanded' : 'collapsed',
    };
    return { kind: 'family', file, versions, row };
  }

  /** Nodes that no registered model explains. */
  #others(file: RegistryFile, models: readonly ModelData[]): readonly ModelsBranch[] {
    const counts = this.#counts(file.path);
    if (counts === undefined) return [];
    const unstamped = unstampedNodes(counts);
    return [
      ...(unstamped === 0 ? [] : [this.#unstamped(file, unstamped)]),
      ...strangers(counts, models).map((each) => this.#stranger(file, modelName(each), each.count)),
    ];
  }

  #unstamped(file: RegistryFile, size: number): ModelsBranch {
    const label = this.#say('Without a stamp');
    const nodes = nodesText(size, this.#say);
    const row: Row = {
      id: `${file.path}|unstamped`,
      label,
      description: nodes,
      icon: { name: 'question', color: 'charts.yellow' },
      spoken: `${label}, ${nodes}`,
      context: 'unstamped',
      expansion: 'none',
      tooltip: {
        heading: label,
        lines: [
          [
            nodes,
            this.#say('nobody knows which model made their vectors; a stamp says it, after a sample agrees'),
          ],
        ],
      },
    };
    return { kind: 'unstamped', file, row };
  }

  #stranger(file: RegistryFile, name: string, size: number): ModelsBranch {
    const description = `${nodesText(size, this.#say)} · ${this.#say('not registered')}`;
    const row: Row = {
      id: `${file.path}|stranger|${name}`,
      label: name,
      description,
      icon: { name: 'warning', color: 'charts.yellow' },
      spoken: `${name}, ${description.replaceAll(' · ', ', ')}`,
      context: 'stranger',
      expansion: 'none',
    };
    return { kind: 'stranger', file, row };
  }
}

function nodesText(size: number, say: Say): string {
  return size === 1 ? say('1 node') : say('{count} nodes', { count: count(size) });
}

function modelRow(file: RegistryFile, model: ModelData, counts: NodeCounts | undefined, say: Say): Row {
  const nodes = counts && nodesText(nodesAt(counts, model), say);
  const words = [
    model.isActive ? say('active') : undefined,
    nodes,
    `${model.dimension} × ${model.datatype}`,
    model.checksum.slice(0, 8),
  ];
  return {
    id: `${file.path}|model|${modelName(model)}`,
    label: `v${model.version}`,
    description: words.filter((word) => word !== undefined).join(' · '),
    icon: model.isActive ? { name: 'pass-filled', color: 'testing.iconPassed' } : { name: 'circle-outline' },
    spoken: [
      say('{model} version {version}', { model: model.modelId, version: model.version }),
      model.isActive ? say('active') : say('not active'),
      nodes,
      say('{count} dimensions', { count: model.dimension }),
    ]
      .filter((word) => word !== undefined)
      .join(', '),
    context: model.isActive ? 'model active' : 'model activatable',
    expansion: 'none',
    tooltip: tooltip(modelName(model), {
      [say('Name')]: model.name,
      [say('Description')]: model.description,
      [say('Nodes')]: counts && count(nodesAt(counts, model)),
      [say('Dimension')]: count(model.dimension),
      [say('Datatype')]: model.datatype,
      [say('Distance')]: model.distance,
      [say('Checksum')]: model.checksum,
      [say('Registered')]: moment(model.createdAt),
      [say('Shut down')]: moment(model.shutdownAt),
      [say('Successor')]: model.successor && modelName(model.successor),
    }),
  };
}
