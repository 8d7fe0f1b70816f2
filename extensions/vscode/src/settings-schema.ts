/** What the settings say, whatever was typed into them. */
export interface ExtensionSettings {
  /** Paths of registry files, relative to the workspace folder. */
  readonly files: readonly string[];
  readonly statusBar: boolean;
}

/** Leaves out what is not of the expected kind: the settings editor marks it. */
export function parseSettings(read: (name: string) => unknown): ExtensionSettings {
  const files = read('files');
  return {
    files: Array.isArray(files) ? files.filter((file) => typeof file === 'string' && file.trim() !== '') : [],
    statusBar: read('statusBar') !== false,
  };
}
