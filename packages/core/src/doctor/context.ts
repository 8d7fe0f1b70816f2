import type { ManagerContext } from '../context.ts';
import type { RegistryStore } from '../ports/registry-store.ts';

/** What the doctor looks at: all of it is only read. */
export interface DoctorContext extends Pick<ManagerContext, 'nodes' | 'embedders' | 'clock' | 'logger'> {
  readonly registry: Pick<RegistryStore, 'models' | 'plans' | 'workers' | 'strayBackups' | 'witness'>;
}
