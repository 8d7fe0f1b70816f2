import { RegistryError } from '@registry/core';
import type { Connection } from '../server/connection.ts';
import { statusOf } from '../server/failure.ts';
import { findName } from './collection-info.ts';

/**
 * One action and no other: creating an alias that exists re-points it, and of a list of actions those before a
 * failing one stay done.
 * @throws RegistryError `ALIAS_TAKEN`, `COLLECTION_UNKNOWN`
 */
export async function pointAlias(
  connection: Connection,
  alias_name: string,
  collection_name: string,
): Promise<void> {
  try {
    await connection.change('updateAliases', {
      actions: [{ create_alias: { alias_name, collection_name } }],
    });
  } catch (error) {
    if (statusOf(error) === 409) throw taken(alias_name);
    throw error;
  }
}

function taken(alias: string): RegistryError {
  return new RegistryError(
    'ALIAS_TAKEN',
    `${JSON.stringify(alias)} is the name of a collection, which no alias can bear; choose another name for the alias, and let the application use that.`,
    { details: { alias } },
  );
}

export async function putBehindAlias(
  connection: Connection,
  collection: string,
  alias: string,
): Promise<void> {
  const target = await findName(connection, collection);
  if (target === undefined)
    throw new RegistryError('COLLECTION_UNKNOWN', `Qdrant has no collection ${JSON.stringify(collection)}.`);
  const present = await findName(connection, alias);
  if (present === alias) throw taken(alias);
  if (present !== undefined && present !== target)
    throw new RegistryError(
      'ALIAS_TAKEN',
      `Alias ${JSON.stringify(alias)} points at ${present}; choose another one.`,
      { details: { alias, collection: present } },
    );
  await pointAlias(connection, alias, target);
}
