import { defineConfig, type MarkdownRenderer } from 'vitepress';
import { roomTitles } from '../generator/api-rooms.ts';
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

/** The headings of a long index stand in the sidebar; its symbols would make each page as heavy as the index. */
const api = doors.map(({ page, module }) => ({
  text: module,
  link: `/reference/api/${page}`,
  ...(page === 'core' && {
    collapsed: true,
    items: roomTitles.map((title) => ({
      text: title,
      link: `/reference/api/core#${title.toLowerCase().replaceAll(/\W+/g, '-')}`,
    })),
  }),
}));

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
  // A symbol has no place in the sidebar, so nothing comes before or after it.
  transformPageData({ relativePath, frontmatter }) {
    if (/^reference\/api\/.+\//.test(relativePath)) Object.assign(frontmatter, { prev: false, next: false });
  },
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
    sidebar: [
      {
        text: 'Introduction',
        items: [
          { text: 'Start in five minutes', link: '/start' },
          { text: 'Concepts', link: '/concepts' },
        ],
      },
      { text: 'Guides', items: items('guides', guides) },
      { text: 'Reference', items: items('reference', reference) },
      { text: 'API', link: '/reference/api/', items: api },
    ],
    outline: { level: [2, 3] },
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          searchOptions: {
            // Guides before the types that have the same words in them.
            boostDocument: (page: string) => (/\/api\/.+\//.test(page) ? 0.3 : 1),
          },
        },
      },
    },
  },
});
