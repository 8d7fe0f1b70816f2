import { EmbeddingVersionManager, type JournalEntry, journalDetails, TaskStatus } from '@registry/core';
import { z } from 'zod';
import { type Call, errorCodeOption, type Handler, pageOptions, pageShape } from '../call.ts';
import { planOf } from '../names.ts';
import type { Ending } from '../output.ts';
import { dateTime, modelName } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { showModels } from './models.ts';
import { showPlan, showPlans, showTasks } from './plans.ts';

const schema = z.object({
  file: z.string(),
  view: z.enum(['models', 'plans', 'tasks', 'journal']).optional(),
  plan: z.string().optional(),
  status: z.enum(Object.values(TaskStatus)).optional(),
  node: z.string().optional(),
  error: errorCodeOption.optional(),
  ...pageShape,
});
type Values = z.output<typeof schema>;

/** Any registry file, whoever it belongs to: no configuration is looked for. */
export const inspect: Handler = async (call) => {
  const o = call.read(schema);
  if (o.view === 'tasks' && o.plan === undefined)
    throw new UsageError('Tasks belong to a plan; name one with --plan.');
  const manager = await EmbeddingVersionManager.open({
    dbPath: terminal.resolvePath(o.file),
    readOnly: true,
    logger: call.output.logger,
  });
  try {
    return await look(call, manager, o);
  } finally {
    await manager.close();
  }
};

async function look(call: Call, manager: EmbeddingVersionManager, o: Values): Promise<Ending> {
  const { output } = call;
  if (o.view === 'models') {
    const items = await manager.listModels();
    showModels(output, items);
    return { data: { items } };
  }
  if (o.view === 'tasks') return showTasks(output, manager, { ...o, plan: o.plan ?? '' });
  if (o.view === 'journal') return journal(call, manager, o);
  if (o.plan !== undefined) {
    const plan = await planOf(manager, o.plan);
    showPlan(output, plan);
    return { data: { plan } };
  }
  if (o.view === 'plans') {
    const page = await manager.listMigrations(pageOptions(o));
    showPlans(output, page.items);
    if (page.next !== undefined) output.note(`More: --after ${page.next}`);
    return { data: page };
  }
  return overview(call, manager, o);
}

async function overview(call: Call, manager: EmbeddingVersionManager, o: Values): Promise<Ending> {
  const { output } = call;
  const models = await manager.listModels();
  const plans = await manager.listMigrations({ limit: o.limit ?? 10 });
  output.heading('Models');
  showModels(output, models);
  output.say();
  output.heading('Plans');
  showPlans(output, plans.items);
  output.say();
  output.heading('Journal');
  const entries = await showJournal(call, manager, { limit: o.limit ?? 10 });
  output.note('\nMore: evr inspect <file> models | plans | tasks --plan <plan> | journal');
  return { data: { models, plans, journal: entries } };
}

async function journal(call: Call, manager: EmbeddingVersionManager, o: Values): Promise<Ending> {
  const planId = o.plan === undefined ? undefined : (await planOf(manager, o.plan)).planId;
  const page = await showJournal(call, manager, {
    ...pageOptions(o),
    ...(planId !== undefined && { planId }),
  });
  if (page.next !== undefined) call.output.note(`More: --after ${page.next}`);
  return { data: page };
}

async function showJournal(
  { output }: Call,
  manager: EmbeddingVersionManager,
  page: { limit: number; after?: string; planId?: string },
) {
  const found = await manager.listJournal(page);
  if (found.items.length === 0) output.say('Nothing was written.');
  else
    output.table<JournalEntry>(
      [
        { title: 'WHEN (UTC)', cell: ({ at }) => dateTime(at) },
        { title: 'WHAT', cell: ({ action }) => action },
        {
          title: 'OF',
          cell: ({ planId, model }) => planId?.slice(0, 8) ?? (model ? modelName(model) : ''),
          least: 8,
        },
        { title: 'BY', cell: ({ actor }) => actor, least: 8, spare: 2 },
        { title: 'DETAILS', cell: ({ details }) => journalDetails(details), least: 24, spare: 1 },
      ],
      found.items,
    );
  return found;
}
