import { z } from 'zod';
import { opened } from '../call.ts';
import { planOf } from '../names.ts';
import { grouped } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const schema = z.object({ plan: z.string(), html: z.string().optional(), data: z.string().optional() });

export const report = opened('read', schema, async (call, o, { manager }) => {
  const { html, data } = o;
  if (html === undefined && data === undefined)
    throw new UsageError('A report goes to a file; name one with --html, or with --data for JSON.');
  const { planId } = await planOf(manager, o.plan);
  const files: { path: string; bytes: number }[] = [];
  for (const [name, format] of [
    [html, 'html'],
    [data, 'json'],
  ] as const) {
    if (name === undefined) continue;
    const path = terminal.resolvePath(name);
    const written = await manager.writeReport({ planId, path, format });
    call.output.say(`Written: ${written.path} (${grouped(written.bytes)} bytes)`);
    files.push(written);
  }
  return { data: { planId, files } };
});
