import type { SqliteDatabase } from './database.ts';
import { APPLICATION_ID, SCHEMA_VERSION, schemaSteps } from './schema.ts';

/** Brings the tables to the newest version and marks the file as ours. Runs inside one transaction. */
export function advanceSchema({ raw }: SqliteDatabase): void {
  const version = raw.pragma('user_version', { simple: true }) as number;
  for (const step of schemaSteps.slice(version)) raw.exec(step);
  raw.pragma(`application_id = ${APPLICATION_ID}`);
  raw.pragma(`user_version = ${SCHEMA_VERSION}`);
}
