/**
 * Sentences of the library name its methods and options, since programs read them. Here they name the commands
 * and flags that do the same; `test/in-commands.test.ts` finds the ones that are missing.
 */

const sentences: readonly (readonly [said: RegExp, plan: (plan: string) => string])[] = [
  [/see listTasks with status failed/, (plan) => `see evr tasks ${plan} --status failed`],
  [/then retryFailed\b/, (plan) => `then evr retry ${plan}`],
  [
    /: retryFailed, or pass acceptFailed to leave/,
    (plan) => `: evr retry ${plan}, or pass --accept-failed to leave`,
  ],
  [/\bretryFailed puts/, (plan) => `evr retry ${plan} puts`],
  [/; switchActiveModel with migrateExisting: true re-embeds.*$/, () => '.'],
  [
    /registerModel with setActive, or switchActiveModel\./,
    () => 'evr models activate <model> makes one active.',
  ],
  [
    /\bswitchActiveModel activates (.*); createMigration and cutoverMigration do\./,
    () => 'evr models activate activates $1; evr plan and evr cutover do.',
  ],
  [
    /\bunstampNodes takes the stamps of these nodes off, and createMigration to (\S+) embeds/,
    () => 'evr unstamp --nodes <file> takes their stamps off, and evr plan --to $1 embeds',
  ],
  [
    /: unstampNodes, then createMigration to (\S+)/,
    () => ': evr unstamp --nodes <file>, then evr plan --to $1',
  ],
  [/\bstampNodes declares/, () => 'evr stamp --as <model> declares'],
  [
    /\brunMigration goes on with their plan, or rollbackMigration puts/,
    (plan) => `evr run goes on with their plan, or evr rollback ${plan} puts`,
  ],
  [/; runMigration works on it/, (plan) => `; evr run ${plan} works on it`],
  [/\brunMigration works on it/, (plan) => `evr run ${plan} works on it`],
  [/\bregisterModel (if|what|its)\b/, () => 'evr models register $1'],
  [/\bsearchAcrossModels keeps/, () => 'Searches across models keep'],
  [/\bswitchActiveModel with migrateExisting: true goes/, () => 'evr models activate <model> --migrate goes'],
  [/\bcheckWitness makes it/, () => 'evr witness makes it'],
  [/\bwith updateModel\b/, () => 'with evr models update'],
  [/\blistFailures says/, (plan) => `evr show ${plan} says`],
  [/\bfinalizeMigration again/, (plan) => `evr finalize ${plan} again`],
  [/; removeModel removes/, () => '; evr models remove removes'],
  [/\bcreateMigration to the previous model/, () => 'evr plan --to the previous model'],
  [/\bcreateMigration to (\S+)/, () => 'evr plan --to $1'],
  [/\bpass allowLowerVersion for/, () => 'pass --lower-version for'],
  [/\bpass sampleSize: 0/, () => 'pass --sample 0'],
  [/; pass nodeStore to open/, () => '; the configuration file names none'],
  [/, or say migrateExisting: false/, () => ', or pass --no-migrate'],
  [/\bpass allowUnfenced: true to open/, () => 'set allowUnfenced: true in the configuration file'],
  [/\bpass nodeIds instead of where/, () => 'pass --nodes instead of --where'],
  [
    /then evaluateMigration again, or pass overrideGate with a reason/,
    (plan) => `then evr gate ${plan}, or pass --override-gate <why>`,
  ],
  [/; leave sliceBy out/, () => '; leave --slice out'],
  [/\bpass acceptBehind:/, () => 'pass --accept-behind <n>:'],
  [/\bPass the embedder of (\S+) to open/, () => 'Add the embedder of $1 to the configuration file'],
  [/\bpass laterWrites: 'lose'/, () => 'pass --later-writes lose'],
  [/\bpass that name as drop\b/, () => 'pass that name with --drop'],
  [/; listMigrations names them/, () => ''],
  [/\bin listMigrations\b/, () => 'with evr list'],
  [/; open it for writing to make one/, () => '; evr models register makes one'],
  [
    /\bwith tuneMigration and spendCap, then resumeMigration/,
    (plan) => `with evr tune ${plan} --spend-cap, then evr resume ${plan}`,
  ],
  [/\bnote one with updateModel\b/, () => 'note one with evr models update --price'],
  [/\bnote its pricePerMillionTokens with updateModel\b/, () => 'note it with evr models update --price'],
  [/\bresumeMigration\b/, (plan) => `evr resume ${plan}`],
];

/**
 * @param planId of the plan that is spoken of, whose beginning stands in the commands
 */
export function inCommands(text: string, planId?: string): string {
  const plan = planId?.slice(0, 8) ?? '<plan>';
  return sentences.reduce((now, [said, written]) => now.replace(said, written(plan)), text);
}
