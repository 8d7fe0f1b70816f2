import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefaultTheme, defineConfig, type MarkdownRenderer } from 'vitepress';
import { doors } from '../generator/doors.ts';

const guides = [
  ['Switch a model in SQLite', 'sqlite'],
  ['Switch a model in Qdrant', 'qdrant'],
  ['Switch a model from the editor', 'editor'],
  ['A switch you can trust', 'trust'],
  ['Operate a migration', 'operate'],
  ['Write a node store', 'node-store'],
  ['Write an embedder', 'embedder'],
  ['Coming from MnemoCore', 'mnemocore'],
] as const;

const reference = [
  ['CLI', 'cli'],
  ['Configuration', 'configuration'],
  ['Database schema', 'schema'],
  ['Error codes', 'errors'],
  ['Events', 'events'],
  ['Metrics and traces', 'metrics'],
] as const;

const items = (folder: string, pages: readonly (readonly [text: string, page: string])[]) =>
  pages.map(([text, page]) => ({ text, link: `/${folder}/${page}` }));

const pages: readonly DefaultTheme.SidebarItem[] = [
  {
    text: 'Introduction',
    items: [
      { text: 'Start in five minutes', link: '/start' },
      { text: 'Concepts', link: '/concepts' },
    ],
  },
  { text: 'Guides', items: items('guides', guides) },
  { text: 'Reference', items: items('reference', reference) },
];
const api = doors.map(({ page, module }) => ({ text: module, link: `/reference/api/${page}` }));

interface Entry {
  readonly title: string;
  readonly path?: string;
  readonly children?: readonly Entry[];
}

/** The API with every symbol, as the generator found it: too much for other pages than its own. */
function symbols(): readonly DefaultTheme.SidebarItem[] {
  const file = join(import.meta.dirname, '../reference/api/navigation.json');
  const item = ({ title, path, children }: Entry): DefaultTheme.SidebarItem => ({
    text: doors.find(({ page }) => page === title)?.module ?? title,
    ...(path && { link: `/reference/api/${path.replace(/\.md$/, '')}` }),
    ...(children && { collapsed: true, items: children.map(item) }),
  });
  return (JSON.parse(readFileSync(file, 'utf8')) as Entry[]).map(item);
}

/** Shows the name of a sample's file above it; tabs of a group show theirs by themselves. */
function nameFiles(md: MarkdownRenderer): void {
  const fence = md.renderer.rules.fence!;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    // Asked first, since the renderer takes it out.
    const name = /\[(\S+\.\S+)\]/.exec(tokens[index]!.info)?.[1];
    const block = fence(tokens, index, ...rest);
    const group = tokens.slice(0, index).findLast(({ type }) => type.startsWith('container_code-group'));
    if (name === undefined || group?.type === 'container_code-group_open') return block;
    return `<p class="file-name"><code>${md.utils.escapeHtml(name)}</code></p>${block}`;
  };
}

export default defineConfig({
  title: 'Embedding Version Registry',
  description: 'Which embedding model made which vector, and a safe way from one model to another.',
  lang: 'en',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }]],
  cleanUrls: true,
  // Dead links end the build; `generator/check-links.ts` looks at places within pages too.
  ignoreDeadLinks: false,
  srcExclude: ['README.md'],
  markdown: { config: nameFiles },
  vite: { build: { chunkSizeWarningLimit: 4_000 } },
  themeConfig: {
    logo: '/icon.svg',
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Concepts', link: '/concepts' },
      { text: 'Guides', link: '/guides/sqlite', activeMatch: '^/guides/' },
      { text: 'Reference', link: '/reference/cli', activeMatch: '^/reference/(?!api/)' },
      { text: 'API', link: '/reference/api/', activeMatch: '^/reference/api/' },
    ],
    sidebar: {
      '/': [...pages, { text: 'API', link: '/reference/api/', items: api }],
      '/reference/api/': [...pages, { text: 'API', link: '/reference/api/', items: [...symbols()] }],
    },
    outline: { level: [2, 3] },
    search: { provider: 'local' },
  },
});
