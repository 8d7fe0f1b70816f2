import type { Handler } from './call.ts';

/** An option as commander writes it, `--name <value>`, with what it is for. */
export interface OptionDefinition {
  readonly flags: string;
  readonly about: string;
  readonly choices?: readonly string[];
  readonly isList?: boolean;
  readonly isRequired?: boolean;
}

export interface CommandDefinition {
  /** `models list`. */
  readonly words: string;
  readonly about: string;
  /** `<plan>`, `[plan]`, with what they are. */
  readonly arguments?: readonly (readonly [written: string, about: string, choices?: readonly string[]])[];
  readonly options?: readonly OptionDefinition[];
  readonly example: readonly string[];
  readonly isDefault?: boolean;
  readonly load: () => Promise<Handler>;
}
