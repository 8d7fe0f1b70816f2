import * as vscode from 'vscode';
import { say } from '../views/say.ts';

const NAMES = 'variableNames';
const isName = /^[A-Z_][A-Z0-9_]*$/;

/** Keys of the user's services: kept by the editor, handed to workers as environment variables, shown nowhere. */
export class Secrets {
  readonly #store: vscode.SecretStorage;
  readonly #memory: vscode.Memento;

  constructor(store: vscode.SecretStorage, memory: vscode.Memento) {
    this.#store = store;
    this.#memory = memory;
  }

  async all(): Promise<Readonly<Record<string, string>>> {
    const pairs = await Promise.all(
      this.#names.map(async (name) => [name, await this.#store.get(name)] as const),
    );
    return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined));
  }

  /** Asks for a name and a value; an empty value forgets it. */
  async ask(): Promise<void> {
    const title = say('Set API Key for Workers');
    const name = await vscode.window.showInputBox({
      title,
      prompt: say('The environment variable that your configuration file reads, such as OPENAI_API_KEY.'),
      value: this.#names[0] ?? 'OPENAI_API_KEY',
      ignoreFocusOut: true,
      validateInput: (text) => (isName.test(text) ? undefined : say('Capital letters, digits and _ only.')),
    });
    if (name === undefined) return;
    const value = await vscode.window.showInputBox({
      title,
      prompt: say('Its value, kept by the editor and handed to workers only. Leave it empty to forget it.'),
      password: true,
      ignoreFocusOut: true,
    });
    if (value === undefined) return;
    const others = this.#names.filter((each) => each !== name);
    if (value === '') await this.#store.delete(name);
    else await this.#store.store(name, value);
    await this.#memory.update(NAMES, value === '' ? others : [...others, name]);
  }

  get #names(): readonly string[] {
    return this.#memory.get<readonly string[]>(NAMES, []);
  }
}
