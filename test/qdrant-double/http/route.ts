import { type KnownOperation, knownOperations } from '../schema/validator.ts';

interface Route {
  readonly operation: KnownOperation;
  readonly pattern: RegExp;
}

function route(operation: KnownOperation): Route {
  const pattern = operation.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return { operation, pattern: new RegExp(`^${pattern}$`) };
}

let routes: readonly Route[] | undefined;

/** The operation behind a method and a path, with what the path says; paths without a hole win. */
export function findRoute(
  method: string,
  path: string,
): { readonly operation: KnownOperation; readonly params: Readonly<Record<string, string>> } | undefined {
  routes ??= knownOperations()
    .map(route)
    .sort((a, b) => holes(a) - holes(b));
  for (const { operation, pattern } of routes) {
    const match = operation.method === method ? pattern.exec(path) : null;
    if (match === null) continue;
    const entries = Object.entries(match.groups ?? {});
    return {
      operation,
      params: Object.fromEntries(entries.map(([name, text]) => [name, decodeURIComponent(text)])),
    };
  }
  return undefined;
}

function holes({ operation }: Route): number {
  return operation.path.split('{').length;
}
