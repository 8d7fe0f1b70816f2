/** What a changelog says of a change: the words of its author, and nothing for people who have no repository at hand. */
export const getReleaseLine = async ({ summary }) => {
  const [first, ...rest] = summary.trim().split('\n');
  return [`- ${first}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n');
};

/** All packages have one version: which of them another one wants is no news. */
export const getDependencyReleaseLine = async () => '';
