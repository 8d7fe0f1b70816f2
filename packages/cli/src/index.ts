export {
  defineRegistryConfig,
  type RegistryDefinition,
  type RegistryDefinitions,
  type RegistryFile,
} from './config/registry-file.ts';
