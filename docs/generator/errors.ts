/** The table of error codes. */
import { errorCodes, findingCodes } from '@registry/core';
import { code, prose, table } from './markdown.ts';

/** Those that only `evr` answers: they concern a call, not a registry. */
const ofTheProgram = {
  USAGE: 'The call is not one that `evr` understands; the message says which part.',
  AMBIGUOUS: 'A beginning of an id or label fits several; `details.candidates` lists them.',
  NOT_CONFIRMED:
    'What cannot be taken back was not confirmed; `details.preview` shows what it would have done.',
  STOPPED: 'Stopped on purpose; the same call goes on.',
  UNEXPECTED: 'An error that is none of these: a fault of the program, or of a configuration file.',
};

export function errorPage(): string {
  const sections = (codes: Readonly<Record<string, string>>) =>
    Object.entries(codes).map(([name, meaning]) => `### ${name}\n\n${prose(meaning)}\n`);
  return `---
outline: [2, 3]
---

# Error codes

Every failure is a \`RegistryError\`: a \`code\`, a \`message\` that says what happened, with which value, and what to do,
\`details\` for programs, and a \`cause\` where there is one. Codes are stable; texts may change. Test for one with
\`isRegistryError(error, 'PLAN_UNKNOWN')\`, which also works across two copies of the package. No message quotes the content
of a node.

Failed tasks carry the same codes (\`evr tasks <plan> --status failed\`, the column \`error_code\`), and so do paused and
held plans.

## Codes of the library

${sections(errorCodes).join('\n')}
## Codes of evr alone

${sections(ofTheProgram).join('\n')}
## Findings of the doctor

What \`evr doctor\` and \`diagnose\` report. An \`error\` means that searches are wrong or will be, a \`warning\` that something
is left to do; a \`note\` is worth knowing.

${table(
  ['code', 'meaning'],
  Object.entries(findingCodes).map(([name, meaning]) => [code(name), prose(meaning)]),
)}
`;
}
