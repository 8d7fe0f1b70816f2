/** `{modelId}:v{version}:{first 8 of the checksum}`: a label for people, never an identity, never parsed. */
export function qualifiedId(modelId: string, version: number, checksum: string | undefined): string {
  return `${modelId}:v${version}:${checksum ? checksum.slice(0, 8) : 'unknown'}`;
}
