import { basename } from 'node:path';
import type { Say } from '../language.ts';
import type { InputOf, OutputOf, Reads } from '../registry-process/messages.ts';
import { inEditorWords } from './in-editor-words.ts';
import type { RegistryFile } from './registry-file.ts';
import { type Row, tooltip } from './row.ts';

/** Rows of a page of a long list. */
export const PAGE = 100;

/** Where trees read from. */
export interface Reader {
  read<Name extends keyof Reads>(
    path: string,
    name: Name,
    ...input: InputOf<Reads[Name]> extends undefined ? [] : [InputOf<Reads[Name]>]
  ): Promise<OutputOf<Reads[Name]>>;
}

/** Several registries stand side by side; each is read when it is expanded. */
export function registryRow(file: RegistryFile, say: Say): Row {
  return {
    id: file.path,
    label: file.label,
    icon: { name: 'database' },
    spoken: say('Registry {name}', { name: file.label }),
    context: file.isOpened ? 'registry opened' : 'registry',
    expansion: 'collapsed',
    tooltip: tooltip(basename(file.path), { [say('File')]: file.path }),
  };
}

/** A registry that cannot be read stays in the tree, and says why. */
export function faultRow(file: RegistryFile, error: unknown, say: Say): Row {
  const message = inEditorWords(error instanceof Error ? error.message : String(error));
  return {
    id: `${file.path}|fault`,
    label: say('{name} cannot be read', { name: file.label }),
    description: message,
    icon: { name: 'error', color: 'testing.iconFailed' },
    spoken: `${say('{name} cannot be read', { name: file.label })}: ${message}`,
    context: file.isOpened ? 'fault opened' : 'fault',
    expansion: 'none',
    tooltip: tooltip(file.label, { [say('File')]: file.path, [say('Error')]: message }),
  };
}

/** A sentence among rows. */
export function noteRow(parentId: string, text: string, icon: Row['icon'] = { name: 'info' }): Row {
  return {
    id: `${parentId}|note`,
    label: text,
    icon,
    spoken: text,
    context: 'note',
    expansion: 'none',
    tooltip: tooltip(text, {}),
  };
}

export function moreRow(parentId: string, say: Say): Row {
  return {
    id: `${parentId}|more`,
    label: say('Show More…'),
    icon: { name: 'ellipsis' },
    spoken: say('Show more rows'),
    context: 'more',
    expansion: 'none',
  };
}
