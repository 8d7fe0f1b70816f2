/** A node of the sample, before it is embedded. */
export interface SampleNode {
  readonly id: string;
  readonly content: string;
  readonly metadata: { readonly chapter: string };
}

const subjects: Readonly<Record<string, readonly string[]>> = {
  mountains: ['The pass', 'A glacier', 'The ridge', 'The alpine hut', 'A rope team', 'The summit book'],
  harbour: [
    'The lighthouse',
    'A tug boat',
    'The quay',
    'The harbour master',
    'A trawler',
    'The customs shed',
  ],
  kitchen: [
    'The sourdough',
    'A copper pan',
    'The pantry',
    'The dishwasher',
    'A sharp knife',
    'The stock pot',
  ],
  observatory: [
    'The telescope',
    'A meteor',
    'The dome',
    'The night assistant',
    'A variable star',
    'The log book',
  ],
};
const deeds = [
  'is looked after by two people',
  'was mended after the storm',
  'opens early in summer',
  'has a story that few remember',
  'stands where three paths meet',
  'is counted once a year',
  'was drawn by a visitor',
  'needs somebody with patience',
  'keeps its own hours',
  'is best seen before noon',
];
const ends = ['in every season.', 'as the handbook says.'];

/** 480 sentences about four places. */
export function sampleNodes(): readonly SampleNode[] {
  const nodes: SampleNode[] = [];
  for (const [chapter, things] of Object.entries(subjects))
    for (const thing of things)
      for (const deed of deeds)
        for (const end of ends) {
          const id = `${chapter}-${String(nodes.length + 1).padStart(3, '0')}`;
          nodes.push({ id, content: `${thing} ${deed} ${end}`, metadata: { chapter } });
        }
  return nodes;
}
