/**
 * Which side of a migration side by side is right about one node. Before the cutover it is the old side, after it
 * the new one, but for what writers that had not noticed yet did on the other: that is told by nobody having
 * changed the node on the side that readers use since it was brought over.
 *
 * After a rollback's switch back that is not enough: a whole point that is put on the new side, or deleted there,
 * takes along whatever told what it was made from. So both sides are noted at the last look before the switch, and
 * then it is known which of them has changed since. Where only the new one has, it is right; the old one, where it
 * has, since its writers are the later ones. What remains: a writer that answers its caller only after a whole pass
 * behind the switch has met the node, since Qdrant tells of no write that is under way.
 */

/** What is known of one node on both sides. */
export interface SidePair {
  readonly hasOld: boolean;
  readonly hasNew: boolean;
  /** The text, and all that moves whole with it, are equal. */
  readonly sameText: boolean;
  readonly sameData: boolean;
  /** A plan brought it to the new side. */
  readonly wasBrought: boolean;
  /** As it was when it was brought over; false where that is not known. */
  readonly isOldUntouched: boolean;
  readonly isNewUntouched: boolean;
  /** The application wrote it to both sides. */
  readonly isDual: boolean;
  /** The vector on the side that is written is at the target, and of the text that stands there. */
  readonly isEmbedded: boolean;
  /** The vector on the side that is written is known to be of another text than stands there. */
  readonly isStale: boolean;
  /** Which sides have changed since a rollback noted them, before readers move back; undefined: it noted nothing. */
  readonly changed?: { readonly old: boolean; readonly new: boolean } | undefined;
}

/**
 * What is to be done with a node: nothing, embed it, bring metadata alone, take it off; or ask whether it was
 * brought over, since only the old side has it.
 */
export type SideVerdict = 'fine' | 'embed' | 'mend' | 'gone' | 'onlyOld';

/** Whose content the node has, seen from the old side to the new one; undefined: it is gone. */
export function forwardTruth(pair: SidePair, readers: 'old' | 'new'): 'old' | 'new' | undefined {
  if (readers === 'old' || !pair.hasNew) return pair.hasOld ? 'old' : undefined;
  if (!pair.hasOld) return pair.wasBrought && pair.isNewUntouched ? undefined : 'new';
  return !pair.sameData && pair.isNewUntouched ? 'old' : 'new';
}

/** Whose content the node has, seen from the new side to the old one; undefined: it is gone. */
export function backTruth(pair: SidePair, readers: 'old' | 'new'): 'old' | 'new' | undefined {
  if (readers === 'new') {
    if (!pair.hasNew) return undefined;
    return pair.hasOld && !pair.sameData && pair.isNewUntouched ? 'old' : 'new';
  }
  if (pair.changed !== undefined) {
    const isLateOnNew = pair.changed.new && !pair.changed.old;
    if (isLateOnNew) return pair.hasNew ? 'new' : undefined;
    return pair.hasOld ? 'old' : undefined;
  }
  if (!pair.hasOld) return pair.hasNew && !pair.wasBrought ? 'new' : undefined;
  const isLate = pair.hasNew && !pair.sameData && pair.isOldUntouched && !pair.isNewUntouched;
  return isLate ? 'new' : 'old';
}

/** What brings the new side up to date. */
export function forwardVerdict(pair: SidePair, readers: 'old' | 'new'): SideVerdict {
  const truth = forwardTruth(pair, readers);
  if (truth === undefined) return pair.hasNew ? 'gone' : 'fine';
  if (!pair.hasNew) {
    if (readers === 'old') return 'embed';
    return pair.isDual ? 'fine' : 'onlyOld';
  }
  if (!pair.isEmbedded || (truth === 'old' && !pair.sameText)) return 'embed';
  return truth === 'old' && !pair.sameData ? 'mend' : 'fine';
}

/** What brings the old side up to date, whose vectors are as good as its texts are. */
export function backVerdict(pair: SidePair, readers: 'old' | 'new'): SideVerdict {
  const truth = backTruth(pair, readers);
  if (truth === 'old') return 'fine';
  if (truth === undefined) {
    if (!pair.hasOld) return 'fine';
    // Once readers have moved back it is known to have been deleted on the new side just before; and so is
    // what an earlier look of the rollback met there, if nobody has written to the old side since.
    const isGoneSince = pair.changed?.new === true && !pair.changed.old;
    return pair.isDual || readers === 'old' || isGoneSince ? 'gone' : 'onlyOld';
  }
  if (!pair.hasOld || !pair.sameText || pair.isStale) return 'embed';
  return pair.sameData ? 'fine' : 'mend';
}
