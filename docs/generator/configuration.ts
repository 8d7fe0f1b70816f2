/** The settings, from the table that YAML files, variables and options are checked by. */
import { defaultConfig } from '@registry/core';
import { type SettingName, settings } from '../../packages/core/src/config/settings.ts';
import { code, prose, table } from './markdown.ts';
import { propertiesOf } from './source.ts';

export function configurationPage(): string {
  const meanings = propertiesOf('packages/core/src/config/settings.ts', 'RegistryConfig');
  const names = Object.keys(settings) as SettingName[];
  const rows = names.map((name) => {
    return [code(name), code(settings[name].key), code(String(defaultConfig[name]))];
  });
  const sections = names.map((name) => {
    const { allowed, allowedText, variable } = settings[name];
    const inVariables = allowedText === allowed ? '' : `: ${allowedText}`;
    return `### ${name}\n\n${prose(meanings[name] ?? '')}\n\nAllowed: ${allowed}.\n\nVariable: ${code(variable)}${inVariables}.\n`;
  });
  return `---
outline: [2, 3]
---

# Configuration

Settings come from these places, and later ones win: defaults, \`config.yaml\`, environment variables, what a program passes.
For \`evr\`, \`embedding-registry.config.ts\` comes between the YAML file and the variables, and flags come last.

In YAML the settings are in a section \`embedding_registry:\`, at top level or below \`haim:\`. In a program,
\`EmbeddingVersionManager.open\` reads neither files nor variables; \`loadRegistryConfig({ path, env })\` does, and you pass its
result as \`config\`. The numbers are defaults for new plans: a plan keeps its own until it is tuned.

## All settings

${table(['in code', 'in YAML', 'default'], rows)}

## What they mean

${sections.join('\n')}
## The configuration file of evr

\`embedding-registry.config.ts\` (or \`.mts\`, \`.js\`, \`.mjs\`) is looked for in the working directory and above; one above that belongs to another user is refused. It says what a
YAML file cannot: where nodes live, and what embeds them. \`evr init\` writes one, with comments.

${table(
  ['key', 'meaning'],
  Object.entries(propertiesOf('packages/cli/src/config/registry-file.ts', 'RegistryDefinition')).map(
    ([key, meaning]) => [code(key), prose(meaning)],
  ),
)}
`;
}
