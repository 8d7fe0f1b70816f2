import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { commands, settings, steps, views } from '../src/ids.ts';

const extension = resolve(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(extension, name), 'utf8');

interface Command {
  readonly command: string;
  readonly category?: string;
}

const manifestText = read('package.json');
const manifest = JSON.parse(manifestText);
const texts = JSON.parse(read('package.nls.json')) as Record<string, string>;
const declared = (manifest.contributes.commands as Command[]).map(({ command }) => command);

describe('the manifest', () => {
  it('declares the commands of the code, all in one category', () => {
    expect(declared.toSorted()).toEqual(Object.values(commands).toSorted());
    const categories = (manifest.contributes.commands as Command[]).map(({ category }) => category);
    expect(new Set(categories)).toEqual(new Set(['%displayName%']));
  });

  it('names no command in a menu that it does not declare', () => {
    const menus = Object.values(manifest.contributes.menus as Record<string, Command[]>).flat();
    expect(menus.map(({ command }) => command).filter((command) => !declared.includes(command))).toEqual([]);
  });

  it('offers every command in the palette', () => {
    expect(manifest.contributes.menus.commandPalette ?? []).toEqual([]);
  });

  it('has a walkthrough whose steps end with what the code says, and have pages', () => {
    const [walkthrough] = manifest.contributes.walkthroughs as [
      { steps: { media: { markdown: string }; completionEvents: string[] }[] },
    ];
    const events = walkthrough.steps.flatMap(({ completionEvents }) => completionEvents);
    expect(events).toEqual(Object.values(steps).map((step) => `onContext:${step}`));
    for (const { media } of walkthrough.steps) expect(read(media.markdown)).toMatch(/^# /);
  });

  it('has one welcome for each state in which a view is empty', () => {
    const states = ['', 'none', 'configured', 'noModel', 'empty'];
    const welcomes = manifest.contributes.viewsWelcome as { view: string; when: string }[];
    const holds = (when: string, facts: { state: string; trusted: boolean; folders: number }) =>
      when.split(' || ').some((side) =>
        side.split(' && ').every((term) => {
          const [, state] = /^embeddingRegistry\.state == (\w+)$/.exec(term) ?? [];
          if (state !== undefined) return facts.state === state;
          if (term === '!embeddingRegistry.state') return facts.state === '';
          if (/^!?isWorkspaceTrusted$/.test(term)) return facts.trusted !== term.startsWith('!');
          return facts.folders > 0 === term.endsWith('> 0');
        }),
      );
    const wanted = { [views.models]: states.slice(0, 4), [views.migrations]: states };
    for (const [view, ofView] of Object.entries(wanted))
      for (const state of ofView)
        for (const trusted of [true, false])
          for (const folders of [0, 1]) {
            const shown = welcomes.filter(
              (welcome) => welcome.view === view && holds(welcome.when, { state, trusted, folders }),
            );
            expect(shown, `${view} ${state} ${trusted} ${folders}`).toHaveLength(1);
          }
  });

  it('declares the views and settings of the code', () => {
    const declaredViews = manifest.contributes.views.embeddingRegistry as { id: string }[];
    expect(declaredViews.map(({ id }) => id)).toEqual(Object.values(views));
    const { section, ...names } = settings;
    expect(Object.keys(manifest.contributes.configuration.properties)).toEqual(
      Object.values(names).map((name) => `${section}.${name}`),
    );
  });

  it('has a sentence for each of its texts, and none too many', () => {
    const named = [...manifestText.matchAll(/"%([^%"]+)%"/g)].map((match) => match[1]!);
    expect([...new Set(named)].toSorted()).toEqual(Object.keys(texts).toSorted());
  });

  it('links from welcomes to commands that exist', () => {
    const linked = Object.values(texts).flatMap((text) => [...text.matchAll(/\(command:([\w.]+)/g)]);
    const ours = linked.map((match) => match[1]!).filter((command) => command.startsWith(settings.section));
    expect(ours.filter((command) => !declared.includes(command))).toEqual([]);
  });
});

/** First arguments of `say('…')` and `l10n.t('…')`. */
function sentencesOf(path: string): string[] {
  const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /(^|\.|#)(say|l10n\.t)$/.test(node.expression.getText())) {
      const [first] = node.arguments;
      if (first === undefined || !ts.isStringLiteralLike(first))
        throw new Error(`${path} says what is not written there: ${node.getText()}`);
      found.push(first.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe('the sentences of the code', () => {
  // `vitest -u` writes what translators start from.
  it('are all in the bundle that is translated', async () => {
    const sentences = globSync('src/**/*.ts', { cwd: extension }).flatMap(sentencesOf).toSorted();
    const bundle = Object.fromEntries(sentences.map((sentence) => [sentence, sentence]));
    await expect(`${JSON.stringify(bundle, undefined, 2)}\n`).toMatchFileSnapshot(
      join(extension, 'l10n/bundle.l10n.json'),
    );
  });
});
