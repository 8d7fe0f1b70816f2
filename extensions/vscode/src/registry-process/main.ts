/**
 * The process in which SQLite runs: a slow read, a lock or a crash of it never touches the editor. It opens
 * registries for reading without a trace, writes what the user asked for, and ends with the extension.
 */
import { type EmbeddingVersionManager, isRegistryError, loadRegistryConfig, reasonOf } from '@registry/core';
import { parent } from '../host-process.ts';
import type { Fault, Message } from './messages.ts';
import { Registries } from './registries.ts';
import { reads, writes } from './requests.ts';

type Handler = (manager: EmbeddingVersionManager, input: unknown) => Promise<unknown>;

const [nativeBinding] = parent.parameters;
const registries = new Registries(nativeBinding);
const watches = new Map<number, AbortController>();

async function answer(message: Message): Promise<void> {
  const { id } = message;
  if (message.do === 'stop') return watches.get(id)?.abort();
  try {
    if (message.do === 'read') {
      const handler = reads[message.name as keyof typeof reads] as Handler;
      const value = await registries.read(message.path, (manager) => handler(manager, message.input));
      parent.send({ id, value });
    } else if (message.do === 'write') {
      const handler = writes[message.name as keyof typeof writes] as Handler;
      const value = await registries.write(message.path, message.allowUpgrade, (manager) =>
        handler(manager, message.input),
      );
      parent.send(value === 'upgrade-needed' ? { id, upgradeNeeded: true } : { id, value });
    } else if (message.do === 'configured') parent.send({ id, value: configuredPath(message.path) });
    else parent.send({ id, value: await watch(message) });
  } catch (error) {
    parent.send({ id, error: faultOf(error) });
  }
}

/** The variables of the editor are not those of the application. */
function configuredPath(path: string): string | null | undefined {
  return loadRegistryConfig({ path, env: {} }).registryDbPath;
}

async function watch({ id, path, planId }: Extract<Message, { do: 'watch' }>): Promise<void> {
  const stopping = new AbortController();
  watches.set(id, stopping);
  try {
    await registries.read(path, async (manager) => {
      for await (const progress of manager.watchMigration(planId, { signal: stopping.signal })) {
        if (stopping.signal.aborted) return;
        parent.send({ id, progress: { ...progress, plan: progress.plan.toJSON() } });
        // Nobody works on it: what happens next will be told by the file.
        if (progress.workers === 0) return;
      }
    });
  } finally {
    watches.delete(id);
  }
}

function faultOf(error: unknown): Fault {
  const { code, message } = reasonOf(error, 'DATABASE_UNAVAILABLE');
  return { code: isRegistryError(error) ? code : 'UNEXPECTED', message };
}

parent.listen(
  (message) => void answer(message as Message),
  () => {
    for (const stopping of watches.values()) stopping.abort();
    void registries.close();
  },
);
