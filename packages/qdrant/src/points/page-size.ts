import type { PointRecord } from '../server/requests.ts';
import { bytesOf } from './compact.ts';

const BYTES_AT_MOST = 8_000_000;
const FIRST_PAGE = 64;
/** Of a page, every so many points are measured: their neighbours are like them. */
const SAMPLED = 8;

/** How many whole points a page may ask for: texts may be of a megabyte, so it goes by those seen before. */
export class PageSize {
  #average: number | undefined;

  get limit(): number {
    return this.#average === undefined ? FIRST_PAGE : Math.max(1, Math.floor(BYTES_AT_MOST / this.#average));
  }

  note(points: readonly PointRecord[]): void {
    const sample = points.filter((_, index) => index % SAMPLED === 0);
    if (sample.length === 0) return;
    const bytes = sample.reduce((sum, { payload, vector }) => sum + bytesOf(payload) + bytesOf(vector), 0);
    this.#average = bytes / sample.length;
  }
}
