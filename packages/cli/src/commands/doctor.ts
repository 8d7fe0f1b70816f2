import { existsSync } from 'node:fs';
import { type Diagnosis, diagnoseStore, type Finding, type FindingCode, findingCodes } from '@registry/core';
import * as z from 'zod';
import { type Call, type Handler, wholeNumber } from '../call.ts';
import { resolveConfiguration } from '../config/resolve.ts';
import { showDiagnosis } from '../screen/diagnosis.ts';
import { withParts } from '../session.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const schema = z.object({
  ci: z.boolean().optional(),
  list: z.string().optional(),
  sample: wholeNumber.optional(),
});

/** What a pull request must not bring, beside everything that is an error. */
const failsCi: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'BEHIND',
  'STALE',
  'UNSTAMPED',
  'NOT_EMBEDDED',
  'EMBEDDER_NOT_ACTIVE',
  'EMBEDDER_MISSING',
]);

export const doctor: Handler = async (call) => {
  const o = call.read(schema);
  const listed = o.list === undefined ? undefined : listedCode(o.list);
  const onNode = (code: FindingCode, nodeId: string) => {
    if (code !== listed) return;
    call.output.event('node', { code, nodeId });
    call.output.say(nodeId);
  };
  const options = {
    onNode,
    signal: terminal.stopSignal(),
    ...(o.sample !== undefined && { sampleSize: o.sample }),
    ...(listed !== undefined && { sampleSize: 0 }),
  };
  const { registry, diagnosis } = await examine(call, options);
  if (listed !== undefined) return { data: { code: listed } };
  const failing = diagnosis.findings.filter(isFailing);
  showDiagnosis(call.output, { registry, diagnosis, ...(o.ci && { failing: failing.length }) });
  return {
    exitCode: o.ci && failing.length > 0 ? 1 : 0,
    data: { registry, ...diagnosis, failing: failing.length },
  };
};

const isFailing = ({ severity, code }: Finding) => severity === 'error' || failsCi.has(code);

function listedCode(written: string): FindingCode {
  const code = written.toUpperCase();
  if (Object.hasOwn(findingCodes, code)) return code as FindingCode;
  throw new UsageError(`--list ${written}: there is no such finding.`, {
    advice: `There are ${Object.keys(findingCodes).join(', ')}.`,
  });
}

type Options = Parameters<typeof diagnoseStore>[0];

/** With the registry where there is one; with what the configuration names where there is none. */
async function examine(
  call: Call,
  options: Omit<Options, 'embedders' | 'nodeStore'>,
): Promise<{ registry: string | undefined; diagnosis: Diagnosis }> {
  const resolved = await resolveConfiguration(call.flags);
  const { dbPath: registry, config } = resolved;
  if (config.enabled === false || existsSync(registry))
    return call.with('examine', async ({ manager }) => ({
      registry,
      diagnosis: await manager.diagnose(options),
    }));
  if (resolved.definition.nodeStore === undefined && resolved.definition.embedders === undefined)
    throw new UsageError(`There is nothing to look at: no registry at ${registry}, and no configuration.`, {
      advice: '`evr init` writes embedding-registry.config.ts, --db names a registry.',
    });
  return withParts(resolved, call.output, async (parts) => ({
    registry: undefined,
    diagnosis: await diagnoseStore({ ...parts, ...options }),
  }));
}
