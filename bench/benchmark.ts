import type { Report } from './report.ts';

export interface Setting {
  /** A folder for the files of this benchmark alone. */
  readonly folder: string;
  /** All sizes, or small ones. */
  readonly isFull: boolean;
  readonly rounds: number;
}

/** Measures one thing beside its limit. */
export type Benchmark = (setting: Setting) => Promise<Report>;
