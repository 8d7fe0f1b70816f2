import type { Say } from '../language.ts';
import type { ModelData } from '../registry-process/messages.ts';
import { faultRow, noteRow, type Reader, registryRow } from './branches.ts';
import { type Ends, endIcon, endsOf, endText, successorText } from './calendar-text.ts';
import { count, moment } from './figures.ts';
import { type NodeCounts, nodesAt, strangers, unstampedNodes } from './node-counts.ts';
import { modelName, nodesText } from './plan-text.ts';
import type { RegistryFile } from './registry-file.ts';
import { type Row, tooltip } from './row.ts';

/** What only a look at the nodes can tell. */
export interface KnownOfNodes {
  readonly counts?: NodeCounts;
  /** Names of models that no longer make the vectors they made, and the ISO time at which that was found. */
  readonly drifted?: { readonly models: ReadonlySet<string>; readonly at: string };
}

/** What stands behind a row. */
export type ModelsBranch = { readonly row: Row; readonly file: RegistryFile } & (
  | { readonly kind: 'registry' | 'fault' | 'note' | 'unstamped' | 'stranger' }
  | { readonly kind: 'family'; readonly versions: readonly ModelData[]; readonly ends: Ends }
  | { readonly kind: 'model'; readonly model: ModelData }
);

/** Models by id, with their versions below, the newest first; then the nodes that are at none of them. */
export class ModelsTree {
  readonly #reader: Reader;
  readonly #say: Say;
  readonly #now: () => number;
  readonly #known: (path: string) => KnownOfNodes;

  /** `known`: what was found out about the nodes of a registry, which the registry itself cannot tell. */
  constructor(o: { reader: Reader; say: Say; now: () => number; known?: (path: string) => KnownOfNodes }) {
    this.#reader = o.reader;
    this.#say = o.say;
    this.#now = o.now;
    this.#known = o.known ?? (() => ({}));
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
    const known = { ...this.#known(file.path), ends: branch.ends };
    return branch.versions.map((model) => ({
      kind: 'model',
      file,
      model,
      row: modelRow(file, model, known, this.#say),
    }));
  }

  async #families(file: RegistryFile): Promise<readonly ModelsBranch[]> {
    try {
      const models = await this.#reader.read(file.path, 'models');
      const families = Map.groupBy(models, ({ modelId }) => modelId);
      const ends = endsOf(models, this.#known(file.path).counts, this.#now());
      return [
        ...[...families].map(([modelId, versions]) => this.#family(file, modelId, { versions, ends })),
        ...this.#others(file, models),
      ];
    } catch (error) {
      return [{ kind: 'fault', file, row: faultRow(file, error, this.#say) }];
    }
  }

  #family(
    file: RegistryFile,
    modelId: string,
    o: { versions: readonly ModelData[]; ends: Ends },
  ): ModelsBranch {
    const say = this.#say;
    const { ends } = o;
    const versions = [...o.versions].sort((a, b) => b.version - a.version);
    const active = versions.find((model) => model.isActive);
    const which = active
      ? say('active: v{version}', { version: active.version })
      : versions.length === 1
        ? say('1 version')
        : say('{count} versions', { count: versions.length });
    // What ends first; the row may be closed over its versions.
    const end = [...ends.values()].find((entry) => entry.modelId === modelId);
    const description = end ? `v${end.version} ${endText(end, say)} · ${which}` : which;
    const row: Row = {
      id: `${file.path}|family|${modelId}`,
      label: modelId,
      description,
      icon: end === undefined ? { name: 'layers' } : endIcon(end),
      spoken: `${modelId}, ${description.replace(' · ', ', ')}`,
      context: 'family',
      expansion: active || versions.length === 1 ? 'expanded' : 'collapsed',
    };
    return { kind: 'family', file, versions, ends, row };
  }

  /** Nodes that no registered model explains. */
  #others(file: RegistryFile, models: readonly ModelData[]): readonly ModelsBranch[] {
    const { counts } = this.#known(file.path);
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

/** What is known of one model besides what the registry holds. */
interface KnownOfModels extends KnownOfNodes {
  readonly ends: Ends;
}

function modelRow(
  file: RegistryFile,
  model: ModelData,
  { counts, ends, drifted }: KnownOfModels,
  say: Say,
): Row {
  const name = modelName(model);
  const nodes = counts && nodesText(nodesAt(counts, model), say);
  const end = ends.get(name);
  const hasDrifted = drifted?.models.has(name) ?? false;
  const drift = hasDrifted ? say('drifted') : undefined;
  const state = model.isActive ? say('active') : undefined;
  const words = [state, drift, end && endText(end, say), nodes, `${model.dimension} × ${model.datatype}`];
  return {
    id: `${file.path}|model|${name}`,
    // As the qualified id ends: where the side bar is narrow, the description is what is cut off.
    label: `v${model.version}:${model.checksum.slice(0, 8)}`,
    description: words.filter((word) => word !== undefined).join(' · '),
    icon: modelIcon(model, end && endIcon(end), hasDrifted),
    spoken: [
      say('{model} version {version}', { model: model.modelId, version: model.version }),
      state ?? say('not active'),
      drift,
      end && endText(end, say),
      nodes,
      say('{count} dimensions', { count: model.dimension }),
    ]
      .filter((word) => word !== undefined)
      .join(', '),
    context: model.isActive ? 'model active' : 'model activatable',
    expansion: 'none',
    tooltip: tooltip(name, {
      [say('Drift')]: hasDrifted ? driftText(drifted, say) : undefined,
      [say('End')]: end && endText(end, say),
      [say('Name')]: model.name,
      [say('Description')]: model.description,
      [say('Nodes')]: counts && count(nodesAt(counts, model)),
      [say('Dimension')]: count(model.dimension),
      [say('Datatype')]: model.datatype,
      [say('Distance')]: model.distance,
      [say('Checksum')]: model.checksum,
      [say('Registered')]: moment(model.createdAt),
      [say('Deprecated')]: dateOf(model.deprecatedAt),
      [say('Shut down')]: dateOf(model.shutdownAt),
      [say('Successor')]: end ? successorText(end, say) : model.successor && modelName(model.successor),
    }),
  };
}

function driftText(drifted: KnownOfNodes['drifted'], say: Say): string {
  return say('seen {time}: it makes other vectors than it made before; “Diagnose” looks again', {
    time: moment(drifted?.at),
  });
}

/** A date as the provider wrote it may have no time. */
const dateOf = (written: string | undefined) => written?.slice(0, 10);

function modelIcon(model: ModelData, end: Row['icon'] | undefined, hasDrifted: boolean): Row['icon'] {
  if (hasDrifted) return { name: 'error', color: 'testing.iconFailed' };
  if (end !== undefined) return end;
  return model.isActive ? { name: 'pass-filled', color: 'testing.iconPassed' } : { name: 'circle-outline' };
}
