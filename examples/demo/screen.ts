/** Lines of at most 78 columns; colours and a moving bar on a terminal only, plain lines elsewhere. */
import { styleText } from 'node:util';
import { clip, fit } from './text-width.ts';

const WIDTH = 78;
/** What stands beside the bar. */
const BESIDE_BAR = 54;
const LONGEST_BAR = 24;
const PLAIN_EVERY_MS = 3_000;

type Style = Parameters<typeof styleText>[0];

export interface Pace {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly perSecond: number;
}

export class Screen {
  readonly #isTerminal = process.stdout.isTTY === true && process.env.TERM !== 'dumb';
  #bar = '';
  #plainAt = 0;
  #chapters = 0;

  title(text: string): void {
    this.#print(this.#style('bold', text));
  }

  chapter(title: string): void {
    this.#chapters += 1;
    this.#print(`\n${this.#style(['bold', 'cyan'], `${this.#chapters}  ${title}`)}`);
  }

  /** Wrapped at words. */
  say(text: string, style: Style = 'reset'): void {
    for (const line of wrap(text)) this.#print(`   ${style === 'reset' ? line : this.#style(style, line)}`);
  }

  proof(claim: string, holds: boolean): void {
    const mark = holds ? this.#style('green', '✓') : this.#style(['red', 'bold'], '✗');
    const [first = '', ...rest] = wrap(holds ? claim : `NOT SO: ${claim}`, WIDTH - 5);
    this.#print(`   ${mark} ${first}`);
    for (const line of rest) this.#print(`     ${line}`);
  }

  /** Columns with their widths; a negative width aligns to the right. */
  row(cells: readonly (readonly [text: string, width: number])[], style: Style = 'reset'): void {
    const line = cells
      .map(([text, width]) => fit(text, width))
      .join('  ')
      .trimEnd();
    this.#print(`   ${style === 'reset' ? line : this.#style(style, line)}`);
  }

  progress({ label, done, total, perSecond }: Pace): void {
    const share = total === 0 ? 0 : done / total;
    const left = perSecond > 0 ? duration((total - done) / perSecond) : '–';
    const figures = `${fit(`${Math.floor(share * 100)} %`, -5)}  ${fit(`${done}/${total}`, -9)}  ${fit(`${Math.round(perSecond)}/s`, -6)}`;
    if (this.#isTerminal) {
      const cells = Math.max(0, Math.min(LONGEST_BAR, process.stdout.columns - BESIDE_BAR));
      const full = Math.round(share * cells);
      this.#bar = `   ${fit(label, 13)}${this.#style('cyan', '█'.repeat(full))}${'░'.repeat(cells - full)} ${figures}  ${fit(left, -5)} left`;
      process.stdout.write(`\r\u001b[2K${this.#bar}`);
    } else if (performance.now() >= this.#plainAt) {
      this.#plainAt = performance.now() + PLAIN_EVERY_MS;
      process.stdout.write(`   ${fit(label, 13)}${figures}  ${fit(left, -5)} left\n`);
    }
  }

  /** Takes the bar away. */
  endProgress(): void {
    if (this.#bar !== '') process.stdout.write('\r\u001b[2K');
    this.#bar = '';
    this.#plainAt = 0;
  }

  #print(line: string): void {
    const bar = this.#bar;
    process.stdout.write(bar === '' ? `${line}\n` : `\r\u001b[2K${line}\n${bar}`);
  }

  #style(style: Style, text: string): string {
    return this.#isTerminal ? styleText(style, text) : text;
  }
}

/** m:ss */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function wrap(text: string, width = WIDTH - 3): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = clip(word, width);
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(clip(word, width));
  }
  return lines;
}
