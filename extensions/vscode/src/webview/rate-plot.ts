import type { Say } from '../language.ts';
import { count, rate } from '../model/figures.ts';
import { drawing } from './dom.ts';

export interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly perSecond: number;
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 160, 56, 22, 10];

/** A round number not below `value`: 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= value) ?? 10 * power;
}

/** Nodes per second over the time that was watched. */
export function ratePlot(samples: readonly Sample[], say: Say): SVGElement {
  const [first, last] = [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0];
  const span = Math.max(last - first, 1);
  const top = roundUp(Math.max(...samples.map(({ perSecond }) => perSecond), 1));
  const x = (at: number) => LEFT + ((at - first) / span) * (WIDTH - LEFT - 4);
  const y = (perSecond: number) => HEIGHT - BOTTOM - (perSecond / top) * (HEIGHT - BOTTOM - TOP);
  const points = samples.map(({ at, perSecond }) => `${x(at).toFixed(1)},${y(perSecond).toFixed(1)}`);
  const seconds = Math.round(span / 1000);
  const label = say('Rate over the last {seconds} s: now {now}, at most {most}', {
    seconds,
    now: rate(samples.at(-1)?.perSecond ?? 0),
    most: rate(Math.max(...samples.map(({ perSecond }) => perSecond), 0)),
  });
  const text = (position: { x: number; y: number; end?: boolean }, content: string) => {
    const made = drawing('text', {
      x: String(position.x),
      y: String(position.y),
      'text-anchor': position.end ? 'end' : 'start',
    });
    made.textContent = content;
    return made;
  };
  const line = (value: number) =>
    drawing('line', {
      class: 'grid',
      x1: String(LEFT),
      x2: String(WIDTH - 4),
      y1: String(y(value)),
      y2: String(y(value)),
    });
  return drawing(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'plot', role: 'img', 'aria-label': label },
    ...[0, top / 2, top].map(line),
    ...[0, top / 2, top].map((value) =>
      text({ x: LEFT - 6, y: y(value) + 4, end: true }, `${count(value)}/s`),
    ),
    text({ x: LEFT, y: HEIGHT - 4 }, say('{seconds} s ago', { seconds })),
    text({ x: WIDTH - 4, y: HEIGHT - 4, end: true }, say('now')),
    drawing('polyline', { class: 'rate', points: points.join(' ') }),
  );
}
