import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import type { Strategy } from '../model/status.ts';
import { vectorLength } from '../model/vector.ts';
import { type Estimate, exactly } from './figures.ts';
import type { Survey } from './survey.ts';

/** Of a backup beside its vector: two hashes, the stamp, the keys of two indexes, and what pages leave empty. */
const BACKUP_ROW_BYTES = { low: 100, value: 260, high: 480 };
/** Of a task: its row, twice while a plan is made. */
const TASK_ROW_BYTES = { low: 40, value: 70, high: 160 };
/** What a vector takes in Qdrant: https://qdrant.tech/documentation/guides/capacity-planning/ says 1.5 of its bytes. */
const BESIDE = { low: 1, value: 1.5, high: 2 };

/** What the registry grows by: tasks, and backups where they are kept. */
export function registryBytes(survey: Survey, o: { strategy: Strategy; keepsBackups: boolean }): Estimate {
  const { nodes, idBytes, oldVectorBytes } = survey;
  const vectors = o.strategy === 'inPlace' && o.keepsBackups ? oldVectorBytes : 0;
  const hasRows = o.keepsBackups || o.strategy !== 'inPlace';
  const bytes = (which: 'low' | 'value' | 'high') => {
    const backups = hasRows ? nodes * BACKUP_ROW_BYTES[which] + 2 * idBytes : 0;
    const slack = { low: 1, value: 1.1, high: 1.6 }[which];
    return Math.round(vectors * slack + backups + nodes * TASK_ROW_BYTES[which] + idBytes);
  };
  return { value: bytes('value'), low: bytes('low'), high: bytes('high'), basis: 'estimated' };
}

/** What the node store grows by: in place vectors are replaced, side by side they come on top, with their index. */
export function storeBytes(survey: Survey, target: EmbeddingModelSpec, strategy: Strategy): Estimate {
  const elements = vectorLength(target);
  const bytes = survey.nodes * (target.datatype === 'bit' ? elements : elements * 4);
  if (bytes === 0) return exactly(0);
  if (strategy !== 'inPlace')
    return {
      value: Math.round(bytes * BESIDE.value),
      low: bytes * BESIDE.low,
      high: bytes * BESIDE.high,
      basis: 'estimated',
    };
  const growth = Math.max(0, bytes - survey.oldVectorBytes);
  return { value: growth, low: 0, high: Math.round(growth * 1.5), basis: 'estimated' };
}
