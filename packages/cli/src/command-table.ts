/** Every command of `evr`. What a command does is loaded when it is called, so that `--help` loads none. */
import { checkCommands } from './check-commands.ts';
import type { CommandDefinition, OptionDefinition } from './command-definition.ts';
import { modelCommands } from './model-commands.ts';

const thePlan = ['<plan>', 'id of a plan, or its beginning'] as const;
const taskStatuses = ['pending', 'in_progress', 'completed', 'failed', 'cancelled', 'rolled_back', 'skipped'];
const planStatuses = 'pending in_progress paused completed failed cancelled rolling_back rolled_back'.split(
  ' ',
);

const page: readonly OptionDefinition[] = [
  { flags: '--limit <n>', about: 'rows at most, 20 unless told' },
  { flags: '--after <next>', about: 'the page after this one' },
];
const taskFilter: readonly OptionDefinition[] = [
  { flags: '--status <status>', about: 'only tasks in this status', choices: taskStatuses },
  { flags: '--node <id>', about: 'only the task of this node' },
  { flags: '--error <code>', about: 'only tasks that failed with this code' },
];
const selection: readonly OptionDefinition[] = [
  { flags: '--nodes <file>', about: 'only nodes with these ids, one a line (- reads standard input)' },
  {
    flags: '--where <key=value>',
    about: 'only nodes whose metadata says so; several must all hold',
    isList: true,
  },
];
const tuning: readonly OptionDefinition[] = [
  { flags: '--batch-size <n>', about: 'nodes per batch' },
  { flags: '--throttle-ms <n>', about: 'milliseconds each lane rests after its batch' },
  { flags: '--parallel <n>', about: 'batches in flight over all workers' },
  { flags: '--max-retries <n>', about: 'further attempts after the first failure of a node' },
  { flags: '--duty-cycle <share>', about: 'share of its time that a lane works, 0.1 to 1' },
  {
    flags: '--spend-cap <amount>',
    about:
      'pause before workers spend more on it: 5usd, 90000tokens, or none; gate, rehearsal and estimate are apart',
  },
];
const plans = () => import('./commands/plans.ts');
const steer = () => import('./commands/steer.ts');
const undo = () => import('./commands/undo.ts');

const planCommands: readonly CommandDefinition[] = [
  {
    words: 'plan',
    about: 'makes a plan to re-embed nodes; activates nothing',
    options: [
      { flags: '--to <model>', about: '<id>:v<version>, or its beginning', isRequired: true },
      ...selection,
      {
        flags: '--strategy <strategy>',
        about: 'how the store takes new vectors',
        choices: ['inPlace', 'namedVector', 'shadow'],
      },
      {
        flags: '--priority <priority>',
        about: 'normal unless told',
        choices: ['critical', 'high', 'normal', 'low'],
      },
      ...tuning,
      {
        flags: '--dry-run',
        about: 'tell nodes, tokens, price, space and time, and make nothing; embeds a dozen texts',
      },
    ],
    example: [
      'evr plan --to hashed_ngram_512:v1 --dry-run',
      'evr plan --to hashed_ngram_512:v1 --where kind=note',
    ],
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  {
    words: 'stamp',
    about: 'declares the model of vectors without a stamp',
    options: [
      { flags: '--as <model>', about: '<id>:v<version>, or its beginning', isRequired: true },
      ...selection,
      {
        flags: '--sample <n>',
        about: 'contents to embed and compare first, 16 unless told; 0 checks nothing',
      },
    ],
    example: ['evr stamp --as text-embedding-3-small:v1'],
    load: async () => (await import('./commands/stamp.ts')).stamp,
  },
  {
    words: 'list',
    about: 'the plans, newest first',
    options: [
      { flags: '--status <status>', about: 'only plans in this status', choices: planStatuses },
      ...page,
    ],
    example: ['evr list --status in_progress'],
    load: async () => (await plans()).list,
  },
  {
    words: 'show',
    about: 'one plan, and why tasks of it failed',
    arguments: [thePlan],
    example: ['evr show 3f2a91c0'],
    load: async () => (await plans()).show,
  },
  {
    words: 'tasks',
    about: 'its tasks, reasons of failures with counts first',
    arguments: [thePlan],
    options: [...taskFilter, ...page],
    example: ['evr tasks 3f2a91c0 --status failed', 'evr tasks 3f2a91c0 --node note-17'],
    load: async () => (await plans()).tasks,
  },
];

const workCommands: readonly CommandDefinition[] = [
  {
    words: 'rehearse',
    about: 'plays a plan on copies of some nodes, with workers that are killed, and back again',
    arguments: [thePlan],
    options: [
      { flags: '--sample <n>', about: 'nodes to copy, 200 unless told; their texts are embedded once' },
      { flags: '--seed <n>', about: 'the same nodes and faults again' },
      {
        flags: '--kills <n>',
        about: 'processes of workers that are killed half-way, 3 unless told; one more in the rollback',
      },
    ],
    example: ['evr rehearse 3f2a91c0', 'evr rehearse 3f2a91c0 --sample 1000 --seed 7'],
    load: async () => (await import('./commands/rehearse.ts')).rehearse,
  },
  {
    words: 'run',
    about: 'works here: on one plan, or on all until stopped',
    arguments: [['[plan]', 'id of a plan, or its beginning; without it all plans are served']],
    options: [
      { flags: '--watch', about: 'wait while the plan is paused, and go on with it' },
      { flags: '--stop-with-parent', about: 'stop when standard input ends' },
      { flags: '--no-progress', about: 'leave progress out, for logs' },
    ],
    example: ['evr run 3f2a91c0', 'evr run', 'evr run --json'],
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    words: 'watch',
    about: 'follows a plan, whichever process works on it',
    arguments: [thePlan],
    example: ['evr watch 3f2a91c0'],
    load: async () => (await import('./commands/watch.ts')).watch,
  },
  {
    words: 'pause',
    about: 'claims nothing more; batches in hand settle',
    arguments: [thePlan],
    example: ['evr pause 3f2a91c0'],
    load: async () => (await steer()).pause,
  },
  {
    words: 'resume',
    about: 'lets a paused plan go on',
    arguments: [thePlan],
    example: ['evr resume 3f2a91c0'],
    load: async () => (await steer()).resume,
  },
  {
    words: 'cancel',
    about: 'ends a plan; nodes that are done stay at the target',
    arguments: [thePlan],
    example: ['evr cancel 3f2a91c0 --yes'],
    load: async () => (await steer()).cancel,
  },
  {
    words: 'retry',
    about: 'puts failed tasks back to pending',
    arguments: [thePlan],
    options: [
      { flags: '--node <id>', about: 'only of this node; may be repeated', isList: true },
      { flags: '--error <code>', about: 'only those that failed with this code; evr show counts them' },
    ],
    example: ['evr retry 3f2a91c0 --node note-17', 'evr retry 3f2a91c0 --error EMBEDDER_FAILED'],
    load: async () => (await steer()).retry,
  },
  {
    words: 'tune',
    about: 'changes the pace of a plan from the next batch on',
    arguments: [thePlan],
    options: tuning,
    example: [
      'evr tune 3f2a91c0 --throttle-ms 0 --parallel 4',
      'evr tune 3f2a91c0 --duty-cycle 0.25 --spend-cap 5',
    ],
    load: async () => (await steer()).tune,
  },
];

const otherCommands: readonly CommandDefinition[] = [
  {
    words: 'gate',
    about: 'searches a sample in both spaces: is the new one worse?',
    arguments: [thePlan],
    options: [
      { flags: '--sample <n>', about: 'nodes to draw, 300 unless told' },
      {
        flags: '--queries <file>',
        about: 'queries of yours, one a line; <node id><TAB> before one it answers',
      },
      { flags: '--generate <n>', about: 'nodes that queries are made of, 200 unless told' },
      { flags: '--k <n>', about: 'nearest nodes that count as found, 10 unless told' },
      { flags: '--seed <n>', about: 'the same sample again' },
      { flags: '--slice <field>', about: 'judge each value of this metadata field too' },
      { flags: '--threshold <x>', about: 'translate this cut-off instead of judging' },
      {
        flags: '--measure <what>',
        about: 'what it compares with, score unless told',
        choices: ['score', 'distance'],
      },
    ],
    example: ['evr gate 3f2a91c0', 'evr gate 3f2a91c0 --slice lang', 'evr gate 3f2a91c0 --threshold 0.75'],
    load: async () => (await import('./commands/gate.ts')).gate,
  },
  {
    words: 'cutover',
    about: 'moves readers to the target of a plan and makes it the active model',
    arguments: [thePlan],
    options: [
      { flags: '--accept-failed', about: 'also with failed nodes' },
      { flags: '--accept-behind <n>', about: 'side by side: also with so many nodes behind, which follow' },
      { flags: '--override-gate <why>', about: 'pass over the gate; the journal keeps why' },
    ],
    example: ['evr cutover 3f2a91c0', 'evr cutover 3f2a91c0 --override-gate "new texts are shorter"'],
    load: async () => (await undo()).cutover,
  },
  {
    words: 'rollback',
    about: 'puts its nodes back byte for byte, after a preview',
    arguments: [thePlan],
    options: [
      { flags: '--node <id>', about: 'only this node' },
      { flags: '--dry-run', about: 'the preview alone' },
      {
        flags: '--later-writes <what>',
        about: 'side by side: what was written since the cutover is carried back, unless told',
        choices: ['carryBack', 'lose'],
      },
    ],
    example: [
      'evr rollback 3f2a91c0',
      'evr rollback 3f2a91c0 --node note-17 --yes',
      'evr rollback 3f2a91c0 --later-writes lose',
    ],
    load: async () => (await undo()).rollback,
  },
  {
    words: 'finalize',
    about: 'gives its backups up, and with them the way back',
    arguments: [thePlan],
    options: [
      { flags: '--drop <name>', about: 'side by side: the side that readers do not use, by its name' },
    ],
    example: ['evr finalize 3f2a91c0 --yes', 'evr finalize 3f2a91c0 --drop texts-2024 --yes'],
    load: async () => (await undo()).finalize,
  },
  {
    words: 'report',
    about: 'writes what happened to a plan as one page that opens anywhere',
    arguments: [thePlan],
    options: [
      { flags: '--html <file>', about: 'the page: opens offline, prints, asks for nothing' },
      { flags: '--data <file>', about: 'the same as JSON' },
    ],
    example: ['evr report 3f2a91c0 --html migration.html'],
    load: async () => (await import('./commands/report.ts')).report,
  },
  {
    words: 'status',
    about: 'one screen: active model, plans, workers',
    example: ['evr status'],
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    words: 'inspect',
    about: 'reads any registry file without a trace',
    arguments: [
      ['<file>', 'a registry database'],
      ['[view]', 'more of one thing', ['models', 'plans', 'tasks', 'journal']],
    ],
    options: [
      { flags: '--plan <plan>', about: 'one plan, its tasks, or its journal' },
      ...taskFilter,
      ...page,
    ],
    example: [
      'evr inspect data/embedding_registry.sqlite',
      'evr inspect old.sqlite tasks --plan 3f2a91c0 --status failed',
    ],
    load: async () => (await import('./commands/inspect.ts')).inspect,
  },
];

export const commandTable: readonly CommandDefinition[] = [
  {
    words: 'init',
    about: 'writes embedding-registry.config.ts, with comments',
    options: [
      {
        flags: '--embedder <kind>',
        about: 'what embeds your texts; asked for on a terminal',
        choices: ['hashed-ngram', 'binary-hdv', 'openai'],
      },
      { flags: '--nodes <path>', about: 'SQLite file of your nodes, ./nodes.sqlite unless told' },
    ],
    example: ['evr init', 'evr init --embedder openai --nodes ./notes.sqlite'],
    load: async () => (await import('./commands/init.ts')).init,
  },
  ...modelCommands,
  ...planCommands,
  ...workCommands,
  ...checkCommands,
  ...otherCommands,
];
