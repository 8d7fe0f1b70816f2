/** Where a symbol stands in the index of its door: by what one does with it. */

/** Headings of the index of `@registry/core`, in their order, with the sources (below `core/src`) that belong there. */
const roomsOfCore: readonly (readonly [title: string, sources: RegExp])[] = [
  ['Open a registry', /^(manager|open|clock|logger|store-creation|options)\.ts$/],
  ['Configure it', /^config\/|setting-limits/],
  ['Register models', /^registry\.ts$|^witness\/|model\/(model-spec|checksum|qualified-id|calendar|witness)/],
  ['Plan a migration', /^planner\/|^estimate\/|model\/(plan|task|status|spend-cap)/],
  ['Run it, watch it, roll it back', /^worker\/|^events\.ts$|^telemetry\/|rollback-report/],
  ['Judge a migration', /^(gate|rehearsal|report)\//],
  ['Examine and mend a store', /^doctor\/|^(un)?stamping\.ts$/],
  ['Search and compare', /^search\.ts$|model\/(compatibility|vector|similarity|score)/],
  ['Handle errors', /^errors\.ts$|quotes-content/],
  ['Write an embedder', /^ports\/embedder\.ts$/],
  ['Write a node store', /^ports\/node-store\.ts$|model\/(node-id|side-truth)/],
  ['The registry database', /^ports\/|^sqlite\//],
];

/** Headings of the page of `EmbeddingVersionManager`, in their order, with its members. */
const roomsOfManager: readonly (readonly [title: string, members: RegExp])[] = [
  ['Open and close', /^(open|close|\[asyncDispose\])$/],
  ['Models', /^(register|update|remove|get|getActive|list|switchActive)Models?$/],
  ['Plans', /^(estimate|create|get|list|tune)Migrations?$/],
  ['Run', /^(run|pause|resume|cancel)Migration$|^retryFailed$|Worker(s|Stats)?$/],
  ['Watch', /^(on|watchMigration|listTasks|listFailures|listJournal|getBackup)$/],
  ['Trust', /^(evaluate|rehearse)Migration$|^(translateThreshold|checkWitness|writeReport)$/],
  ['End', /^(cutover|rollback|finalize)Migration$/],
  ['Embed and search', /^(embed|searchAcrossModels)$/],
  ['Examine and mend', /^(diagnose|stampNodes|unstampNodes)$/],
  ['Parts', /^(registry|planner|worker)$/],
];

/** Where nobody said what a symbol is for: it is found there, and moved from there. */
const rest = 'Everything else';

/** Headings of the index of `@registry/core`. */
export const roomTitles = roomsOfCore.map(([title]) => title);

/** All headings, in the order in which they stand. */
export const roomOrder = [...roomsOfCore, ...roomsOfManager].map(([title]) => title).concat(rest);

/** The heading of a symbol, by its source below `core/src`. */
export const roomOfSource = (source: string) => find(roomsOfCore, source);

/** The heading of a member of the manager. */
export const roomOfMember = (member: string) => find(roomsOfManager, member);

function find(rooms: readonly (readonly [string, RegExp])[], name: string): string {
  return rooms.find(([, pattern]) => pattern.test(name))?.[0] ?? rest;
}
