import type { Output } from './output.ts';
import { harmless } from './screen/text.ts';
import { terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/**
 * Asks for a yes, unless `--yes` gave it.
 * @throws UsageError `NOT_CONFIRMED` for a no, and where nobody can be asked
 */
export async function confirmed(
  { output, yes }: { readonly output: Output; readonly yes: boolean },
  question: string,
  what: string,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  if (yes) return;
  if (output.json || !terminal.isInteractive)
    throw new UsageError(`Nobody can be asked here to confirm ${what}; nothing was done.`, {
      code: 'NOT_CONFIRMED',
      advice: 'With --yes it is done.',
      details,
    });
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({
    message: harmless(question),
    initialValue: false,
    ...terminal.promptStreams,
  });
  if (isCancel(answer)) terminal.stop('Ctrl-C');
  if (answer !== true) throw new UsageError('Nothing was done.', { code: 'NOT_CONFIRMED' });
}

/** Asks for a name to be typed; undefined where nobody can be asked. */
export async function typed(output: Output, question: string): Promise<string | undefined> {
  if (output.json || !terminal.isInteractive) return undefined;
  const { text, isCancel } = await import('@clack/prompts');
  const answer = await text({ message: harmless(question), ...terminal.promptStreams });
  if (isCancel(answer)) terminal.stop('Ctrl-C');
  return typeof answer === 'string' ? answer.trim() : undefined;
}

/** Asks for one of a few values. */
export async function choose<T extends string>(
  question: string,
  options: readonly { readonly value: T; readonly label: string; readonly hint?: string }[],
): Promise<T> {
  const { select, isCancel } = await import('@clack/prompts');
  const answer = await select<string>({
    message: question,
    options: [...options],
    ...terminal.promptStreams,
  });
  if (!isCancel(answer)) return answer as T;
  terminal.stop('Ctrl-C');
  throw new UsageError('Nothing was written.', { code: 'NOT_CONFIRMED' });
}
