import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Handler } from '../call.ts';
import { fileBase, fileIn } from '../config/find-file.ts';
import { type EmbedderKind, fileText } from '../config/template.ts';
import { choose } from '../questions.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const schema = z.object({
  embedder: z.enum(['hashed-ngram', 'binary-hdv', 'openai']).optional(),
  nodes: z.string().optional(),
  db: z.string().optional(),
});

/** Writes the configuration file into the working directory, and nothing over another one. */
export const init: Handler = async (call) => {
  const o = call.read(schema);
  const folder = terminal.startFolder;
  const present = fileIn(folder);
  if (present !== undefined)
    throw new UsageError(`${present} exists already, and was left as it is.`, {
      advice: 'Edit it, or remove it first.',
    });
  const isAsked = o.embedder === undefined && terminal.isInteractive && !call.output.json && !call.yes;
  const embedder = o.embedder ?? (isAsked ? await ask() : 'hashed-ngram');
  const path = join(folder, `${fileBase}.ts`);
  const text = fileText({
    embedder,
    nodesPath: o.nodes ?? './nodes.sqlite',
    dbPath: call.flags.db ?? './data/embedding_registry.sqlite',
  });
  // `wx`: a file that appears meanwhile stays as it is.
  writeFileSync(path, text, { flag: 'wx' });
  call.output.say(`Written: ${path}`);
  call.output.note(
    'It uses @registry/cli, @registry/node-memory and @registry/embedders, which have to be installed beside it.',
  );
  call.output.note('Next: look through it, then evr models register');
  return { data: { path, embedder } };
};

function ask(): Promise<EmbedderKind> {
  return choose('What embeds your texts?', [
    { value: 'hashed-ngram', label: 'Hashed n-grams', hint: 'no service, no download: for a first try' },
    { value: 'binary-hdv', label: 'Binary hyperdimensional', hint: 'the encoder of MnemoCore' },
    { value: 'openai', label: 'An OpenAI-compatible service', hint: 'OpenAI, Ollama, vLLM, TEI, Voyage …' },
  ]);
}
