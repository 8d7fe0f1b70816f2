import { EmbeddingVersionManager, isRegistryError, RegistryError, registryFileKind } from '@registry/core';

/** Registries by path. One that is read stays open, which costs no handle; one that is written is closed at once. */
export class Registries {
  readonly #nativeBinding: string | undefined;
  readonly #readers = new Map<string, Promise<EmbeddingVersionManager>>();

  constructor(nativeBinding: string | undefined) {
    this.#nativeBinding = nativeBinding;
  }

  async read<T>(path: string, body: (manager: EmbeddingVersionManager) => Promise<T>): Promise<T> {
    const opening = this.#readers.get(path) ?? this.#open(path, true);
    this.#readers.set(path, opening);
    try {
      return await body(await opening);
    } catch (error) {
      // What stands in the way may be gone at the next look: a lock, a file that is not there yet.
      if (isRegistryError(error) && error.code.startsWith('DATABASE_')) this.#drop(path, opening);
      throw error;
    }
  }

  /** `allowUpgrade`: the user agreed that a database of the origin becomes one of this program. */
  async write<T>(
    path: string,
    allowUpgrade: boolean,
    body: (manager: EmbeddingVersionManager) => Promise<T>,
  ): Promise<T | 'upgrade-needed'> {
    const kind = await registryFileKind({ path, ...this.#binding() });
    if (kind === 'absent' || kind === 'vacant') throw noRegistry(path);
    if (kind === 'origin' && !allowUpgrade) return 'upgrade-needed';
    const manager = await this.#open(path, false);
    try {
      return await body(manager);
    } finally {
      await manager.close();
    }
  }

  async close(): Promise<void> {
    const readers = [...this.#readers.values()];
    this.#readers.clear();
    await Promise.allSettled(readers.map(async (opening) => (await opening).close()));
  }

  #drop(path: string, opening: Promise<EmbeddingVersionManager>): void {
    if (this.#readers.get(path) === opening) this.#readers.delete(path);
    void opening.then((manager) => manager.close()).catch(() => {});
  }

  #open(path: string, readOnly: boolean): Promise<EmbeddingVersionManager> {
    return EmbeddingVersionManager.open({ dbPath: path, readOnly, ...this.#binding() });
  }

  #binding(): { nativeBinding?: string } {
    return this.#nativeBinding === undefined ? {} : { nativeBinding: this.#nativeBinding };
  }
}

function noRegistry(path: string): RegistryError {
  return new RegistryError('DATABASE_INVALID', `${path} holds no registry; nothing was written.`, {
    details: { path },
  });
}
