/** Writes the pages of `reference/` from the code, so that none of them can be out of date. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeApi } from './api.ts';
import { commandPage } from './commands.ts';
import { configurationPage } from './configuration.ts';
import { errorPage } from './errors.ts';
import { eventPage } from './events.ts';
import { schemaPage } from './schema.ts';
import { telemetryPage } from './telemetry.ts';

const folder = join(import.meta.dirname, '../reference');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const pages = {
  cli: commandPage(),
  configuration: configurationPage(),
  schema: await schemaPage(),
  errors: errorPage(),
  events: eventPage(),
  metrics: telemetryPage(),
};
for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, `${name}.md`), text);
await writeApi(join(folder, 'api'));
