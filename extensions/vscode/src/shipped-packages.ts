/**
 * Loaded before anything else into a child that runs what came with the extension. A configuration file imports
 * packages by name; those that the workspace has not installed are the ones that came along.
 */
import * as modules from 'node:module';

const shipped: Readonly<Record<string, string>> = {
  '@registry/cli': './registry-cli.mjs',
  '@registry/core': './registry-core.mjs',
  '@registry/embedders': './registry-embedders.mjs',
  '@registry/node-memory': './registry-node-memory.mjs',
};

// Node 22.15 has it; with an older one the packages have to be installed.
modules.registerHooks?.({
  resolve(specifier, context, next) {
    const place = shipped[specifier];
    if (place === undefined) return next(specifier, context);
    try {
      return next(specifier, context);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
      return { url: new URL(place, import.meta.url).href, shortCircuit: true };
    }
  },
});
