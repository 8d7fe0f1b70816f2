import * as vscode from 'vscode';
import type { Row, Tooltip } from '../model/row.ts';
import { shown } from '../model/shown.ts';

/** What a tree is made of; the model yields the branches. */
export interface BranchModel<Branch> {
  roots(): Promise<readonly Branch[]>;
  children(branch: Branch): Promise<readonly Branch[]>;
}

/** A place in the tree that outlives refreshes: the editor knows elements by identity. */
export interface Place<Branch> {
  branch: Branch;
}

const states: Readonly<Record<Row['expansion'], vscode.TreeItemCollapsibleState>> = {
  none: vscode.TreeItemCollapsibleState.None,
  collapsed: vscode.TreeItemCollapsibleState.Collapsed,
  expanded: vscode.TreeItemCollapsibleState.Expanded,
};

/** Of a tooltip: there is room for a whole error message. */
const LONGEST_LINE = 2_000;

/** Draws the rows of a model. */
export class BranchTree<Branch extends { readonly row: Row }>
  implements vscode.TreeDataProvider<Place<Branch>>
{
  readonly #model: BranchModel<Branch>;
  readonly #moreCommand: string;
  readonly #places = new Map<string, Place<Branch>>();
  readonly #changed = new vscode.EventEmitter<Place<Branch> | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(model: BranchModel<Branch>, moreCommand: string) {
    this.#model = model;
    this.#moreCommand = moreCommand;
  }

  async getChildren(place?: Place<Branch>): Promise<Place<Branch>[]> {
    const branches = place ? await this.#model.children(place.branch) : await this.#model.roots();
    return branches.map((branch) => this.#placeOf(branch));
  }

  getTreeItem({ branch: { row } }: Place<Branch>): vscode.TreeItem {
    const item = new vscode.TreeItem(shown(row.label), states[row.expansion]);
    item.id = row.id;
    item.iconPath = new vscode.ThemeIcon(
      row.icon.name,
      row.icon.color === undefined ? undefined : new vscode.ThemeColor(row.icon.color),
    );
    if (row.description !== undefined) item.description = shown(row.description);
    item.contextValue = row.context;
    item.accessibilityInformation = { label: shown(row.spoken) };
    if (row.context === 'more')
      item.command = { command: this.#moreCommand, title: row.label, arguments: [this.#placeOfId(row.id)] };
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, { branch: { row } }: Place<Branch>): vscode.TreeItem {
    if (row.tooltip !== undefined) item.tooltip = markdown(row.tooltip);
    return item;
  }

  /** Everything that is on the screen is asked for again. */
  refresh(): void {
    this.#changed.fire(undefined);
  }

  /** Draws one row anew, where it is on the screen. */
  update(branch: Branch): void {
    const place = this.#places.get(branch.row.id);
    if (place === undefined) return;
    place.branch = branch;
    this.#changed.fire(place);
  }

  refreshBelow(id: string): void {
    const place = this.#places.get(id);
    if (place !== undefined) this.#changed.fire(place);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #placeOf(branch: Branch): Place<Branch> {
    const place = this.#places.get(branch.row.id) ?? { branch };
    place.branch = branch;
    this.#places.set(branch.row.id, place);
    return place;
  }

  #placeOfId(id: string): Place<Branch> | undefined {
    return this.#places.get(id);
  }
}

/** Whatever a registry holds is shown as text: nothing of it becomes a link, an image or a command. */
function markdown({ heading, lines }: Tooltip): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendMarkdown('**').appendText(shown(heading)).appendMarkdown('**');
  for (const [name, value] of lines)
    text.appendMarkdown('\n\n').appendText(shown(`${name}: ${value}`, LONGEST_LINE));
  return text;
}
