import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';

/** Calls back when a database file, or the log beside it, changes. */
export function followFile(path: string, onChange: () => void): vscode.Disposable {
  // A class of one sign stands for the sign itself, whatever it means in a pattern.
  const name = basename(path).replaceAll(/[[{*?]/g, '[$&]');
  const beside = new vscode.RelativePattern(vscode.Uri.file(dirname(path)), `${name}*`);
  const watcher = vscode.workspace.createFileSystemWatcher(beside);
  return vscode.Disposable.from(
    watcher,
    watcher.onDidChange(onChange),
    watcher.onDidCreate(onChange),
    watcher.onDidDelete(onChange),
  );
}
