import { Connection } from './connection.ts';
import { element } from './dom.ts';
import { RegistryPage } from './registry-page.ts';
import { WatchPage } from './watch-page.ts';

const root = document.getElementById('page') as HTMLElement;
const connection = new Connection();
let page: RegistryPage | WatchPage | undefined;

function tell(error: unknown): void {
  root.replaceChildren(element('p', { class: 'fault', role: 'alert' }, (error as Error).message));
  root.removeAttribute('aria-busy');
}

connection.listen(
  ({ subject, mayAct }) => {
    page =
      subject.view === 'watch'
        ? new WatchPage({ root, connection, subject, mayAct, tell })
        : new RegistryPage({ root, connection, subject, tell });
    void page.refresh();
  },
  (message) => {
    if (message.type === 'counts' && page instanceof RegistryPage) page.counted(message.counts);
    if (message.type === 'model' && page instanceof RegistryPage) page.showModel(message.model);
    if (message.type === 'changed') void page?.refresh();
    if (message.type === 'progress' && page instanceof WatchPage) page.progress(message.progress, message.at);
  },
);
