/** Started by `planner.test.ts` in a process of its own, with little memory: plans over a store of a million nodes. */
import { EmbeddingVersionManager } from '@registry/core';
import { endlessStore, models } from './endless-store.ts';

const [dbPath = '', count = '1000000'] = process.argv.slice(2);
const store = endlessStore(Number(count), (from) => process.stdout.write(`page ${from}\n`));
const manager = await EmbeddingVersionManager.open({ dbPath, nodeStore: store });
for (const model of models) await manager.registerModel(model.toJSON());
const plan = await manager.createMigration({ targetModelId: models[1].modelId, targetVersion: 1 });
await manager.close();
process.stdout.write(`planned ${plan.totalNodes} ${plan.status}\n`);
