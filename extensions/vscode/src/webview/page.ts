import { shown } from '../model/shown.ts';
import { Connection } from './connection.ts';
import { element } from './dom.ts';
import { RegistryPage } from './registry-page.ts';
import { WatchPage } from './watch-page.ts';

const main = document.getElementById('page') as HTMLElement;
const root = element('div');
const fault = element('p', { class: 'fault', role: 'alert' });
main.replaceChildren(fault, root);
const connection = new Connection();
let page: RegistryPage | WatchPage | undefined;

/** Shows what is wrong instead of the page, which stays as it was; without an error, the page again. */
function tell(error?: unknown): void {
  fault.textContent = error === undefined ? '' : shown((error as Error).message);
  root.hidden = error !== undefined;
  main.removeAttribute('aria-busy');
}

connection.listen(
  ({ subject, mayAct }) => {
    page =
      subject.view === 'watch'
        ? new WatchPage({ root, connection, subject, mayAct, tell })
        : new RegistryPage({ root, connection, subject, mayAct, tell });
    void page.refresh();
  },
  (message) => {
    if (message.type === 'counts' && page instanceof RegistryPage) page.counted(message.counts);
    if (message.type === 'diagnosis' && page instanceof RegistryPage)
      page.diagnosed(message.diagnosis, message.isWanted);
    if (message.type === 'model' && page instanceof RegistryPage) page.showModel(message.model);
    if (message.type === 'changed') void page?.refresh();
    if (message.type === 'progress' && page instanceof WatchPage) page.progress(message.progress, message.at);
  },
);
