import type { CommandDefinition, OptionDefinition } from './command-definition.ts';

const theModel = ['<model>', '<id>:v<version>, or its beginning'] as const;
const notes: readonly OptionDefinition[] = [
  { flags: '--name <text>', about: 'what people call it' },
  { flags: '--description <text>', about: 'a sentence about it' },
  { flags: '--max-input-tokens <n>', about: 'longest input' },
  { flags: '--price <dollars>', about: 'US dollars per million input tokens' },
  { flags: '--deprecated-at <date>', about: 'ISO date, such as 2027-01-31' },
  { flags: '--shutdown-at <date>', about: 'ISO date; people are warned 90, 30 and 7 days ahead' },
  { flags: '--successor <model>', about: 'the model that follows it' },
];

const models = () => import('./commands/models.ts');

/** Commands of models: what embeds, under which names, and which of them is active. */
export const modelCommands: readonly CommandDefinition[] = [
  {
    words: 'models list',
    about: 'the registered models',
    options: [{ flags: '--nodes', about: 'count the nodes at each, and those without a stamp' }],
    example: ['evr models', 'evr models list --nodes', 'evr models list --json'],
    isDefault: true,
    load: async () => (await models()).list,
  },
  {
    words: 'models show',
    about: 'one model with its notes',
    arguments: [theModel],
    example: ['evr models show hashed_ngram_512:v1'],
    load: async () => (await models()).show,
  },
  {
    words: 'models register',
    about: 'registers the models of your embedders, or one by hand',
    arguments: [['[model]', 'only the embedder of this model']],
    options: [
      { flags: '--id <id>', about: 'describe a model by hand: its id' },
      { flags: '--model-version <n>', about: 'its version, 1 unless told' },
      { flags: '--dimension <n>', about: 'elements of its vectors' },
      {
        flags: '--checksum <text>',
        about: 'pins its configuration; made of id, version and dimension unless told',
      },
      { flags: '--datatype <type>', about: 'of an element', choices: ['float32', 'bit'] },
      {
        flags: '--distance <distance>',
        about: 'how vectors compare',
        choices: ['cosine', 'dot', 'euclid', 'hamming'],
      },
      { flags: '--active', about: 'make it the active model, where no node would be left behind' },
      { flags: '--lower-version', about: 'allow a version below the highest of its id' },
      ...notes,
    ],
    example: ['evr models register', 'evr models register --id text-embedding-3-small --dimension 1536'],
    load: async () => (await models()).register,
  },
  {
    words: 'models update',
    about: 'changes the notes of a model',
    arguments: [theModel],
    options: notes,
    example: ['evr models update text-embedding-ada-002:v1 --shutdown-at 2027-01-31'],
    load: async () => (await models()).update,
  },
  {
    words: 'models activate',
    about:
      'makes a model active at once, with a plan for the nodes or without; `cutover` asks the gate first',
    arguments: [theModel],
    options: [
      { flags: '--migrate', about: 'plan the migration of all nodes in the same step' },
      { flags: '--no-migrate', about: 'leave nodes of other models as they are' },
      { flags: '--unchecked', about: 'do not try its embedder first' },
    ],
    example: ['evr models activate hashed_ngram_512:v2 --migrate'],
    load: async () => (await models()).activate,
  },
  {
    words: 'models remove',
    about: 'removes a model that nothing uses',
    arguments: [theModel],
    example: ['evr models remove text-embedding-ada-002:v1 --yes'],
    load: async () => (await models()).remove,
  },
];
