import { RegistryError } from '@registry/core';

const names =
  'api_?key|access_?key|secret_?key|private_?key|secret|(access|auth|bearer|api)_?token|token|password|passwd|credentials?|authorization';
/** `apiKey: 'text'`, `const token = "text"`, `apiKey: () => 'text'`, `'api-key': \`text\``. */
const assigned = new RegExp(
  `["'\`]?[\\w$]*?(${names.replaceAll('_?', '[-_]?')})["'\`]?\\s*[:=]\\s*(?:(?:async\\s*)?\\(\\)\\s*=>\\s*)?(["'\`])(?!\\$\\{)[^"'\`\\s]{6,}\\2`,
  'i',
);
/** As the known providers write their keys. */
const known =
  /\b(sk-[\w-]{16,}|hf_[A-Za-z]{16,}|pa-[\w-]{24,}|AIza[\w-]{30,}|AKIA[A-Z0-9]{16}|gh[pousr]_\w{20,}|xox[abp]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,})/;
const inAddress = /\w+:\/\/[^\s/"'`@:$]+:[^\s/"'`@$]+@/;

/**
 * Refuses a file in which a secret is written out: a literal beside a name such as `apiKey`, what looks like
 * the key of a known provider, a password in an address.
 * @throws RegistryError `CONFIG_INVALID` naming file and line, never the secret
 */
export function assertNoSecrets(path: string, text: string): void {
  for (const [index, line] of text.split('\n').entries()) {
    const name = assigned.exec(line)?.[1];
    const what =
      name !== undefined
        ? `a literal "${name}"`
        : known.test(line)
          ? 'what looks like the key of a provider'
          : inAddress.test(line)
            ? 'an address with a password'
            : undefined;
    if (what === undefined) continue;
    throw new RegistryError(
      'CONFIG_INVALID',
      `${path}, line ${index + 1} holds ${what}. A secret in a file ends up in version control and backups: replace this one at its provider if it was ever shared, put it into the environment, and read it when it is needed, as in apiKey: () => process.env.OPENAI_API_KEY ?? ''.`,
      { details: { path, line: index + 1 } },
    );
  }
}
