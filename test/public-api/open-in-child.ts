/** Opens a registry with the default configuration, in the folder this process was started in. */
import { EmbeddingVersionManager, loadRegistryConfig } from '@registry/core';

const manager = await EmbeddingVersionManager.open({ config: loadRegistryConfig({ env: process.env }) });
const { qualifiedId } = await manager.getActiveModel();
await manager.close();
process.stdout.write(qualifiedId);
