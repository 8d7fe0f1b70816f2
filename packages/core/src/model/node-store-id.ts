import { RegistryError } from '../errors.ts';

/**
 * A registry serves one node store; an unbound one serves any.
 * @throws RegistryError `NODE_STORE_MISMATCH`
 */
export function assertSameNodeStore(bound: string | undefined, received: string): void {
  if (bound === undefined || bound === received) return;
  throw new RegistryError(
    'NODE_STORE_MISMATCH',
    `This registry belongs to node store ${bound}, not to ${received}; open the registry of that store, or another registry for this one.`,
    { details: { registered: bound, received } },
  );
}
