/**
 * What is noted of both sides of a node at each look before readers move back. A whole point that is put on the
 * new side afterwards, or deleted there, takes along whatever its payload told of the copy; with the note it is
 * known which side has changed since, and that one is right (`side-truth` in core).
 */
import type { SideNotes, SidePair } from '@registry/core';
import { digestOf } from '../points/digest.ts';
import type { PointRecord } from '../server/requests.ts';
import type { PointPair } from './merged-page.ts';
import { dataDigest, vectorsAt } from './pair-facts.ts';

const ABSENT = '-';
/** The new side is ahead of the old one, whatever becomes of it. */
const AHEAD = '?';
/** Nobody has looked at the old side before. */
const UNKNOWN = '~';

/** The data alone: a copy of ours has other marks, and its vectors may be normalised once more. */
const oldMark = (point: PointRecord | undefined) =>
  point === undefined ? ABSENT : dataDigest(point.payload);

/** Everything but the migrated vector: nobody writes here but the application. */
const newMark = (point: PointRecord | undefined, others: readonly string[]) =>
  point === undefined ? ABSENT : digestOf([point.payload ?? {}, vectorsAt(point, others)]);

/** The note of a pair as it was read. */
export function noteOf({ old, new: other }: PointPair, others: readonly string[], isAhead: boolean): string {
  return `${oldMark(old)} ${isAhead ? AHEAD : newMark(other, others)}`;
}

/**
 * The note of a node that is about to be carried back. Whoever writes may die before it can say that the write
 * landed, so both outcomes are told: the old side is as it was noted before, or has what this point says.
 */
export function noteOfCopying(
  before: string | undefined,
  source: PointRecord,
  others: readonly string[],
): string {
  return `${before?.split(' ')[0] ?? UNKNOWN} ${noteOfCopy(source, others)}`;
}

/** The note of a node that was carried back: the old side has what this point of the new one says. */
export function noteOfCopy(source: PointRecord, others: readonly string[]): string {
  return `${oldMark(source)} ${newMark(source, others)}`;
}

/** The note of a node that is about to be taken off the old side, in the same way. */
export const noteOfRemoving = ({ old }: PointPair): string => `${oldMark(old)} ${noteOfGone}`;

/** The note of a node that is on neither side. */
export const noteOfGone = `${ABSENT} ${ABSENT}`;

/** Which sides have changed since; undefined where nothing was noted. */
export function changedSince(
  note: string | undefined,
  { old, new: other }: PointPair,
  others: readonly string[],
): SidePair['changed'] {
  if (note === undefined) return undefined;
  const [wasOld, ...rest] = note.split(' ');
  const [isOld, isNew] = [oldMark(old), newMark(other, others)];
  const wasNew = rest.at(-1);
  if (rest.length === 1) return { old: isOld !== wasOld, new: isNew !== wasNew };
  // What was about to be written there: it did not land, it did, or somebody has written since.
  if (isOld === wasOld) return { old: false, new: true };
  if (isOld === rest[0]) return { old: false, new: isNew !== wasNew };
  return wasOld === UNKNOWN ? undefined : { old: true, new: isNew !== wasNew };
}

/** Where nobody keeps notes, nothing is known. */
export const noNotes: SideNotes = { keep: async () => {}, recall: async () => new Map() };
