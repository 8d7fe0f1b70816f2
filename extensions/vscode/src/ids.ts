/** Names that the manifest and the code share; a test compares them. */
export const commands = {
  openRegistryFile: 'embeddingRegistry.openRegistryFile',
  closeRegistryFile: 'embeddingRegistry.closeRegistryFile',
  refresh: 'embeddingRegistry.refresh',
  showLogs: 'embeddingRegistry.showLogs',
  copyQualifiedId: 'embeddingRegistry.copyQualifiedId',
  copyPlanId: 'embeddingRegistry.copyPlanId',
  copyNodeId: 'embeddingRegistry.copyNodeId',
  registerModel: 'embeddingRegistry.registerModel',
  setActiveModel: 'embeddingRegistry.setActiveModel',
  migrateToModel: 'embeddingRegistry.migrateToModel',
  showModelDetails: 'embeddingRegistry.showModelDetails',
  stampAs: 'embeddingRegistry.stampAs',
  start: 'embeddingRegistry.start',
  stopWorker: 'embeddingRegistry.stopWorker',
  pause: 'embeddingRegistry.pause',
  resume: 'embeddingRegistry.resume',
  cancel: 'embeddingRegistry.cancel',
  retryFailed: 'embeddingRegistry.retryFailed',
  tune: 'embeddingRegistry.tune',
  cutOver: 'embeddingRegistry.cutOver',
  rollBack: 'embeddingRegistry.rollBack',
  finalize: 'embeddingRegistry.finalize',
  watch: 'embeddingRegistry.watch',
  showOverview: 'embeddingRegistry.showOverview',
  createConfiguration: 'embeddingRegistry.createConfiguration',
  diagnose: 'embeddingRegistry.diagnose',
  checkWitness: 'embeddingRegistry.checkWitness',
  askGate: 'embeddingRegistry.askGate',
  writeReport: 'embeddingRegistry.writeReport',
  setApiKey: 'embeddingRegistry.setApiKey',
  createSample: 'embeddingRegistry.createSample',
  openWalkthrough: 'embeddingRegistry.openWalkthrough',
} as const;

/** What a click on a row does: not in the manifest, so not in the palette. */
export const rowCommands = { showMore: 'embeddingRegistry.showMore' } as const;

export const views = {
  models: 'embeddingRegistry.models',
  migrations: 'embeddingRegistry.migrations',
} as const;

/** Kinds of editors. */
export const pages = {
  watch: 'embeddingRegistry.watchPage',
  report: 'embeddingRegistry.reportPage',
  registry: 'embeddingRegistry.registryPage',
  /** For databases that only may be registries: offered, not opened by default. */
  anyDatabase: 'embeddingRegistry.databasePage',
} as const;

export const settings = {
  section: 'embeddingRegistry',
  files: 'files',
  statusBar: 'statusBar',
} as const;

/** Keys of the conditions in the manifest. */
export const contexts = {
  /**
   * Absent while it is searched; `none`, `configured` (a configuration file whose registry is still to be made),
   * `noModel`, `empty` (models, and no plan) or `plans`.
   */
  state: 'embeddingRegistry.state',
} as const;

/** Steps of the walkthrough: each is done once its key is set. */
export const steps = {
  sample: 'embeddingRegistry.did.sample',
  plan: 'embeddingRegistry.did.plan',
  run: 'embeddingRegistry.did.run',
  back: 'embeddingRegistry.did.back',
} as const;
