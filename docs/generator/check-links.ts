/**
 * Every link of the built site leads somewhere: VitePress refuses dead pages, and this also dead places within
 * pages and dead files.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const site = resolve(import.meta.dirname, '../.vitepress/dist');

/** Links of the site that lead nowhere, each as `page: link`. */
export function deadLinks(folder: string): readonly string[] {
  const pages = new Map(
    globSync('**/*.html', { cwd: folder }).map((path) => [
      join(folder, path),
      readFileSync(join(folder, path), 'utf8'),
    ]),
  );
  const ids = new Map([...pages].map(([path, html]) => [path, new Set(valuesOf(html, 'id'))]));
  const leads = (page: string, link: string): boolean => {
    const [path = '', place = ''] = link.split('#');
    const file = decodeURIComponent(
      path === '' ? page : path.startsWith('/') ? join(folder, path) : join(dirname(page), path),
    );
    const target = [file, `${file}.html`, join(file, 'index.html')].find((one) => pages.has(one));
    if (target === undefined) return existsSync(file);
    return place === '' || ids.get(target)!.has(decodeURIComponent(place));
  };
  return [...pages].flatMap(([page, html]) =>
    [...new Set(valuesOf(html, 'href'))]
      .filter((link) => !/^[a-z]+:/.test(link) && !leads(page, link))
      .map((link) => `${relative(folder, page)}: ${link}`),
  );
}

function valuesOf(html: string, attribute: string): readonly string[] {
  return [...html.matchAll(new RegExp(`\\s${attribute}="([^"]*)"`, 'g'))].map(([, value]) =>
    value!.replaceAll('&amp;', '&').replaceAll('&#39;', "'"),
  );
}

if (process.argv[1] === import.meta.filename) {
  const dead = deadLinks(site);
  if (dead.length > 0) {
    console.error(`Links that lead nowhere:\n${dead.join('\n')}`);
    process.exitCode = 1;
  }
}
