import { alreadyExists, badInput, missingCollection, notFound } from './http/server-error.ts';
import type { Collection } from './points/collection.ts';
import { type CollectionBody, createCollection } from './points/collection-config.ts';

interface AliasAction {
  readonly create_alias?: { alias_name: string; collection_name: string };
  readonly delete_alias?: { alias_name: string };
  readonly rename_alias?: { old_alias_name: string; new_alias_name: string };
}

/** The collections of a server and the aliases that point at them. */
export class Collections {
  readonly #collections = new Map<string, Collection>();
  readonly #aliases = new Map<string, string>();

  copy(): Collections {
    const copy = new Collections();
    for (const [name, collection] of this.#collections) copy.#collections.set(name, collection.copy());
    for (const [alias, target] of this.#aliases) copy.#aliases.set(alias, target);
    return copy;
  }

  /** By its name or an alias. */
  resolve(name: string): Collection {
    const collection = this.#collections.get(this.#aliases.get(name) ?? name);
    if (collection === undefined) throw missingCollection(name);
    return collection;
  }

  /** Under its own name only. */
  named(name: string): Collection {
    const collection = this.#collections.get(name);
    if (collection === undefined) throw missingCollection(name);
    return collection;
  }

  /** True for the name of an alias too. */
  exists(name: string): boolean {
    return this.#collections.has(this.#aliases.get(name) ?? name);
  }

  all(): Iterable<Collection> {
    return this.#collections.values();
  }

  create(name: string, body: CollectionBody): void {
    if (this.#collections.has(name)) throw alreadyExists(`Collection \`${name}\` already exists!`);
    if (this.#aliases.has(name)) {
      throw badInput(`Can't create collection with name ${name}. Alias with the same name already exists`);
    }
    this.#collections.set(name, createCollection(name, body));
  }

  /** False where there was none. Its aliases go with it. */
  delete(name: string): boolean {
    for (const [alias, target] of this.#aliases) if (target === name) this.#aliases.delete(alias);
    return this.#collections.delete(name);
  }

  aliases(of?: string): readonly { alias_name: string; collection_name: string }[] {
    return [...this.#aliases]
      .filter(([, target]) => of === undefined || target === of)
      .map(([alias_name, collection_name]) => ({ alias_name, collection_name }));
  }

  /** One by one, each saved before the next is looked at: an error leaves those before it done. */
  changeAliases(actions: readonly AliasAction[]): void {
    for (const { create_alias, delete_alias, rename_alias } of actions) {
      if (create_alias) this.#createAlias(create_alias);
      if (delete_alias) this.#aliases.delete(delete_alias.alias_name);
      if (rename_alias) this.#renameAlias(rename_alias);
    }
  }

  /** An alias that exists is simply pointed elsewhere. */
  #createAlias({ alias_name, collection_name }: { alias_name: string; collection_name: string }): void {
    this.named(collection_name);
    this.#refuseNameOfCollection(alias_name);
    this.#aliases.set(alias_name, collection_name);
  }

  #renameAlias({ old_alias_name, new_alias_name }: { old_alias_name: string; new_alias_name: string }): void {
    const target = this.#aliases.get(old_alias_name);
    if (target === undefined) throw notFound(`Alias ${old_alias_name} does not exists!`);
    this.#refuseNameOfCollection(new_alias_name);
    this.#aliases.delete(old_alias_name);
    this.#aliases.set(new_alias_name, target);
  }

  #refuseNameOfCollection(alias: string): void {
    if (this.#collections.has(alias)) throw alreadyExists(`Collection \`${alias}\` already exists!`);
  }
}
