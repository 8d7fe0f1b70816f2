import type { SideNote } from '../ports/registry-store.ts';
import type { Context } from './context.ts';
import { planRow } from './plans.ts';

/** Nothing is kept of a plan that is not being rolled back: whoever is late would leave it there for ever. */
export function keepNotes(context: Context, planId: string, notes: readonly SideNote[]): void {
  const { plan, status } = planRow(context, planId);
  if (status !== 'rolling_back') return;
  context.db
    .sql(
      `INSERT INTO side_notes (plan, node_id, note) SELECT ?, value ->> 'nodeId', value ->> 'note' FROM json_each(?)
       WHERE true ON CONFLICT (plan, node_id) DO UPDATE SET note = excluded.note`,
    )
    .run(plan, JSON.stringify(notes));
}

export function notes(context: Context, planId: string, nodeIds: readonly string[]): SideNote[] {
  const { plan } = planRow(context, planId);
  return context.db
    .sql(
      `SELECT s.node_id AS nodeId, s.note FROM json_each(?) n CROSS JOIN side_notes s ON s.plan = ? AND s.node_id = n.value`,
    )
    .all(JSON.stringify([...new Set(nodeIds)]), plan) as SideNote[];
}

export function dropNotes(context: Context, planId: string, limit: number): boolean {
  const { plan, status } = planRow(context, planId);
  if (status === 'rolling_back') return true;
  const { changes } = context.db
    .sql(
      `DELETE FROM side_notes WHERE plan = :plan AND node_id IN
         (SELECT node_id FROM side_notes WHERE plan = :plan LIMIT +:limit)`,
    )
    .run({ plan, limit });
  return changes < limit;
}
