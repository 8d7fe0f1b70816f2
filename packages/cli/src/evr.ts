#!/usr/bin/env node
import { terminal } from './terminal.ts';

/** Node-API 10, which the SQLite driver speaks, came with Node 22.14. */
const isRuntimeNew = Number(terminal.versions.napi ?? 0) >= 10;

if (isRuntimeNew) {
  // Imported here, since an older Node could not even load it.
  const { main } = await import('./main.ts');
  terminal.leave(await main());
} else {
  const message = `evr needs Node 22.14 or newer; this is ${terminal.versions.node}.`;
  const advice = 'Install the present LTS release of Node, then run the same command again.';
  const error = { code: 'RUNTIME_TOO_OLD', message, advice, details: {} };
  if (terminal.arguments.includes('--json'))
    terminal.print(`${JSON.stringify({ event: 'result', exitCode: 2, error })}\n`);
  else terminal.note(`RUNTIME_TOO_OLD  ${message}\n${advice}\n`);
  terminal.leave(2);
}
