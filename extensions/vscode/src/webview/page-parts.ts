import type { Subject } from '../panels/protocol.ts';
import type { Connection } from './connection.ts';

/** What a page is made of, by what it shows. */
export interface PageParts<View extends Subject['view']> {
  readonly root: HTMLElement;
  readonly connection: Connection;
  readonly subject: Extract<Subject, { view: View }>;
  readonly mayAct: boolean;
  /** What stands in the way; without an error, that nothing does. */
  readonly tell: (error?: unknown) => void;
}
