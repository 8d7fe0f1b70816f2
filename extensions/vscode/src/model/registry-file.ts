import { basename } from 'node:path';

/** A registry that was found. */
export interface RegistryFile {
  /** Absolute path. */
  readonly path: string;
  /** The path as people know it: relative to its folder, with the folder's name where there are several. */
  readonly label: string;
  /** Opened by hand, rather than found. */
  readonly isOpened: boolean;
}

/** Of a file of which nothing but its path is known. */
export const fileAt = (path: string): RegistryFile => ({ path, label: basename(path), isOpened: false });
