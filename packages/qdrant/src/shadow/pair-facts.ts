import { isDeepStrictEqual } from 'node:util';
import { type EmbeddingInfo, isAtTarget, type SidePair } from '@registry/core';
import { type Contents, hashOf } from '../points/contents.ts';
import { digestOf, sameVectors } from '../points/digest.ts';
import {
  BASE_FIELD,
  DUAL_FIELD,
  dataOf,
  type Payload,
  type Slot,
  slotFields,
  slotState,
} from '../points/payload.ts';
import type { PointRecord } from '../server/requests.ts';
import type { PointPair } from './merged-page.ts';

/** Texts of a page of pairs, fetched at once. */
export interface PairTexts {
  readonly old: string | undefined;
  readonly new: string | undefined;
}

/** Digest of what moves whole with a point, its vectors apart. */
export const dataDigest = (payload: Payload | null | undefined): string => digestOf(dataOf(payload));

export async function textsOf(
  contents: Contents,
  pairs: readonly Pick<PointPair, 'old' | 'new'>[],
): Promise<readonly PairTexts[]> {
  const points = pairs.flatMap((pair) => [pair.old, pair.new].filter((point) => point !== undefined));
  const texts = await contents.of(points);
  const byPoint = new Map<PointRecord, string | undefined>(
    points.map((point, index) => [point, texts[index]]),
  );
  return pairs.map((pair) => ({
    old: pair.old && byPoint.get(pair.old),
    new: pair.new && byPoint.get(pair.new),
  }));
}

/** What the rules of truth ask about one point on both sides. */
export function factsOf(
  pair: PointPair,
  texts: PairTexts,
  o: {
    readonly written: 'old' | 'new';
    readonly slot: Slot;
    readonly target: EmbeddingInfo;
    /** Texts stand in the payload, and so may differ from side to side. */
    readonly isOwnText: boolean;
    /** Vectors that move whole with a point. */
    readonly others: readonly string[];
    /** What a point of the old side says that was written to both sides of this very migration. */
    readonly dualMark: string;
    readonly changed?: SidePair['changed'];
  },
): SidePair {
  const base = pair.new?.payload?.[BASE_FIELD];
  const there = pair[o.written];
  const state = slotState(slotFields(there?.payload, o.slot));
  const hash = there === undefined ? '' : hashOf(texts[o.written]);
  const isOfText = state.embeddedHash === undefined || state.embeddedHash === hash;
  const sameOthers = sameVectors(vectorsAt(pair.old, o.others), vectorsAt(pair.new, o.others));
  const isOfBase = (point: PointRecord | undefined) =>
    base !== undefined && point !== undefined && base === dataDigest(point.payload);
  return {
    hasOld: pair.old !== undefined,
    hasNew: pair.new !== undefined,
    sameText: o.isOwnText ? texts.old === texts.new : isOfText,
    sameData: sameOthers && isDeepStrictEqual(bareData(pair.old), bareData(pair.new)),
    wasBrought: base !== undefined,
    // Asked for only where both sides differ: a digest costs more than a comparison.
    get isOldUntouched() {
      return isOfBase(pair.old);
    },
    get isNewUntouched() {
      return isOfBase(pair.new);
    },
    isDual: pair.old?.payload?.[DUAL_FIELD] === o.dualMark,
    isStale: there !== undefined && !isOfText,
    isEmbedded: there !== undefined && isAtTarget({ ...state, contentHash: hash }, o.target),
    changed: o.changed,
  };
}

const bareData = (point: PointRecord | undefined) => point && dataOf(point.payload);

/** Vectors of a point by name; those it does not have are left out. */
export function vectorsAt(point: PointRecord | undefined, names: readonly string[]): Payload {
  const vectors = (Array.isArray(point?.vector) ? {} : (point?.vector ?? {})) as Payload;
  return Object.fromEntries(
    names.filter((name) => vectors[name] !== undefined).map((name) => [name, vectors[name]]),
  );
}
