import { contentHash } from '@registry/core';
import { nodeIdOf } from '../point-id.ts';
import type { PointRecord } from '../server/requests.ts';
import { fieldAt } from './payload.ts';

/**
 * Fetches texts that are kept elsewhere (object storage, a database), in the order of the ids; undefined where
 * there is none.
 */
export type ResolveContents = (
  ids: readonly string[],
  payloads: readonly Readonly<Record<string, unknown>>[],
) => Promise<readonly (string | undefined)[]>;

/** Where the text of a node comes from. */
export interface Contents {
  /** Payload fields that are the text, compared inside each write; empty where the text is kept elsewhere. */
  readonly fields: readonly string[];
  /** Texts of points, in their order; undefined where a point has none. */
  of(points: readonly PointRecord[]): Promise<readonly (string | undefined)[]>;
}

/** Fields that are texts, joined by line breaks. A field that is no text makes the node one without content. */
export function contentsInFields(fields: readonly string[]): Contents {
  return {
    fields,
    of: async (points) =>
      points.map(({ payload }) => {
        const present = fields
          .map((key) => fieldAt(payload, key))
          .filter((value) => value !== undefined && value !== null);
        return present.every((value) => typeof value === 'string') ? present.join('\n') : undefined;
      }),
  };
}

/** Texts from elsewhere: the store cannot guard them, and fetches them again just before it writes. */
export function contentsElsewhere(resolve: ResolveContents): Contents {
  return {
    fields: [],
    of: async (points) =>
      points.length === 0
        ? []
        : resolve(
            points.map(nodeIdOf),
            points.map(({ payload }) => payload ?? {}),
          ),
  };
}

/** Of a node without content, the hash of the empty text. */
export const hashOf = (content: string | undefined): string =>
  content === undefined ? hashOfNothing : contentHash(content);

const hashOfNothing = contentHash('');
