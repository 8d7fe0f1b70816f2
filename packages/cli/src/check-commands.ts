import type { CommandDefinition } from './command-definition.ts';

/** Commands that say what is wrong, and what makes ready for mending it. */
export const checkCommands: readonly CommandDefinition[] = [
  {
    words: 'unstamp',
    about: 'takes stamps off nodes whose vectors are not what they say',
    options: [
      {
        flags: '--nodes <file>',
        about: 'the nodes with these ids, one a line (- reads standard input)',
        isRequired: true,
      },
    ],
    example: ['evr doctor --list ZERO_VECTOR | evr unstamp --nodes - --yes'],
    load: async () => (await import('./commands/unstamp.ts')).unstamp,
  },
  {
    words: 'doctor',
    about: 'reads store and registry, and says what is wrong and what mends it',
    options: [
      {
        flags: '--ci',
        about:
          'end with 1 where a pull request must not pass: an embedder that is not the active model, or nodes behind, unstamped or stale',
      },
      { flags: '--list <code>', about: 'print the id of every node with this finding, and nothing else' },
      { flags: '--sample <n>', about: 'nodes of each model to embed again, 16 unless told; 0 embeds none' },
    ],
    example: ['evr doctor', 'evr doctor --ci', 'evr doctor --list STALE > stale.txt'],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    words: 'witness',
    about: 'embeds a few pinned texts again, and says whether models still are what they were',
    arguments: [['[model]', 'only this one; all that have an embedder unless told']],
    options: [{ flags: '--renew', about: 'keep what the embedder makes now, whatever it made before' }],
    example: ['evr witness', 'evr witness nomic-embed-text:v1'],
    load: async () => (await import('./commands/witness.ts')).witness,
  },
];
