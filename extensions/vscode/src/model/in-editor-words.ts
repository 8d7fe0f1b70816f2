/**
 * Sentences of the library name its methods and options, since programs read them. Here they name what the editor
 * offers instead; a test finds the ones that are missing.
 */
const sentences: readonly (readonly [said: RegExp, inEditor: string])[] = [
  [
    /see listTasks with status failed, mend the cause, then retryFailed/,
    'see its failed nodes, mend the cause, then retry them',
  ],
  [/: retryFailed, or pass acceptFailed to leave/, ': retry them, or leave'],
  [/\bretryFailed puts/, '“Retry Failed Nodes” puts'],
  [/; switchActiveModel with migrateExisting: true re-embeds.*$/, '.'],
  [/registerModel with setActive, or switchActiveModel\./, '“Set Active Model…” makes one active.'],
  [
    /^switchActiveModel activates (.*); createMigration and cutoverMigration do\./,
    '“Set Active Model…” activates $1; “Migrate to Model…” and “Cut Over…” do.',
  ],
  [/\bunstampNodes takes/, 'evr unstamp --nodes <file> takes'],
  [/: unstampNodes, then createMigration to/, ': evr unstamp --nodes <file>, then migrate to'],
  [/\bstampNodes declares/, '“Stamp Nodes As…” declares'],
  [
    /\brunMigration goes on with their plan, or rollbackMigration puts/,
    '“Start Migration” goes on with their plan, or “Roll Back…” puts',
  ],
  [/\brunMigration works on it/, '“Start Migration” works on it'],
  [/^registerModel if/, '“Register Model…” if'],
  [/^registerModel its/, 'Register its'],
  [/\bregisterModel (what|its)\b/, 'register $1'],
  [/\bsearchAcrossModels keeps/, 'Searches across models keep'],
  [/\bswitchActiveModel with migrateExisting: true goes/, '“Set Active Model…” goes'],
  [/\bcheckWitness makes/, '“Check Witness…” makes'],
  [/\bnote it with updateModel\b/, 'note it with evr models update --successor'],
  [
    /^listFailures says why; mend the cause, then retryFailed/,
    '“Watch Migration” says why; mend the cause, then retry them',
  ],
  [/\bfinalizeMigration again/, '“Give Backups Up…” again'],
  [/; removeModel removes/, '; evr models remove removes'],
  [/\b(and|then|else) createMigration to it\b/, '$1 migrate to it'],
  [/\b(then|else) createMigration to (\S+)/, '$1 migrate to $2'],
  [/, createMigration to (\S+)\.$/, ', migrate to $1.'],
  [/^createMigration to/, 'A migration to'],
  [/\bcreateMigration to the previous model/, 'a migration to the previous model'],
  [/\bcreateMigration to (\S+)/, 'a migration to $1'],
  [/, or pass allowLowerVersion for \S+\./, '.'],
  [/\bpass sampleSize: 0 to stamp them unchecked/, 'evr stamp --sample 0 stamps them unchecked'],
  [/; pass nodeStore to open/, '; the configuration file names none'],
  [/, or say migrateExisting: false/, ''],
  [/\bpass allowUnfenced: true to open/, 'set allowUnfenced: true in the configuration file'],
  [/\bpass nodeIds instead of where/, 'name the nodes instead'],
  [
    /, then evaluateMigration again, or pass overrideGate with a reason/,
    ', then evr gate <plan>, or evr cutover <plan> --override-gate <why>',
  ],
  [/; leave sliceBy out/, '; judge it without slices'],
  [/, or pass acceptBehind:/, ', or cut over all the same:'],
  [/\bPass the embedder of (\S+) to open/, 'Add the embedder of $1 to the configuration file'],
  [/; or pass laterWrites: 'lose'/, '; or lose them'],
  [/\bpass that name as drop\b/, 'type that name to confirm'],
  [/; listMigrations names them/, ''],
  [/\bin listMigrations\b/, 'among the migrations'],
  [/; open it for writing to make one/, '; “Register Model…” makes one'],
  [/No embedder for (\S+) was passed to open; add/, 'The configuration file has no embedder for $1; add'],
  [/\braise it with tuneMigration and spendCap\b/, 'raise it'],
  [/; note its pricePerMillionTokens with updateModel\b/, '; note its price'],
  [/; note one with updateModel\b/, '; note one'],
  [/\bresumeMigration\b/, '“Resume Migration”'],
];

export function inEditorWords(text: string): string {
  return sentences.reduce((now, [said, inEditor]) => now.replace(said, inEditor), text);
}

/** Code and sentence of a reason. */
export function reasonText({ code, message }: { readonly code: string; readonly message: string }): string {
  return `${code}: ${inEditorWords(message)}`;
}
