import { join } from 'node:path';

const [major] = process.versions.node.split('.');
const broughtAlong = join(import.meta.dirname, '../node_modules/.bin/node');

/** What runs samples and examples: they say `await using`, which Node 22 cannot read and every newer one can. */
export const sampleRuntime = Number(major) < 24 ? broughtAlong : process.execPath;
