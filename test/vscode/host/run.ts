/** What `extensionTestsPath` names: the extension host calls `run` and waits for it. */
import { writeFileSync } from 'node:fs';
import { figures, suite } from './suite.ts';

/** How each case ended: a sentence where it failed. */
export interface HostResult {
  readonly cases: readonly { readonly name: string; readonly fault?: string }[];
  readonly figures: Readonly<Record<string, number>>;
}

/** Rejects after a while: a case that waits in vain is told by its name. */
function tooLong(name: string): Promise<never> {
  const signal = AbortSignal.timeout(90_000);
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`${name}: it did not end`)));
  });
}

export async function run(): Promise<void> {
  const cases: { name: string; fault?: string }[] = [];
  for (const { name, run: play } of suite) {
    const fault = await Promise.race([play(), tooLong(name)]).then(
      () => undefined,
      (error: Error) => error.stack ?? error.message,
    );
    cases.push({ name, ...(fault !== undefined && { fault }) });
  }
  const result: HostResult = { cases, figures };
  if (process.env.HOST_RESULT) writeFileSync(process.env.HOST_RESULT, JSON.stringify(result));
  const failed = cases.filter(({ fault }) => fault !== undefined);
  if (failed.length > 0) throw new Error(failed.map(({ name, fault }) => `${name}: ${fault}`).join('\n'));
}
