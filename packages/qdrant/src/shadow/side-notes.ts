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

/** The note of a node that was carried back: the old side has what this point of the new one says. */
export function noteOfCopy(source: PointRecord, others: readonly string[]): string {
  return `${oldMark(source)} ${newMark(source, others)}`;
}

/** The note of a node that is to be on neither side. */
export const noteOfGone = `${ABSENT} ${ABSENT}`;

/** Which sides have changed since; undefined where nothing was noted. */
export function changedSince(
  note: string | undefined,
  { old, new: other }: PointPair,
  others: readonly string[],
): SidePair['changed'] {
  if (note === undefined) return undefined;
  const [wasOld, wasNew] = note.split(' ');
  return { old: oldMark(old) !== wasOld, new: newMark(other, others) !== wasNew };
}

/** Where nobody keeps notes, nothing is known. */
export const noNotes: SideNotes = { keep: async () => {}, recall: async () => new Map() };
