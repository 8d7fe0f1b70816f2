/**
 * What a command says. People get tables on standard output, and notes, progress and questions on standard
 * error; with `--json` every line of standard output is one object `{ event, … }` and the last one the result.
 */
import { inspect, styleText } from 'node:util';
import type { Logger } from '@registry/core';
import { harmlessLines } from '@registry/core/harmless-text';
import type { Failure } from './failure.ts';
import { inCommands } from './screen/in-commands.ts';
import { type Column, tableLines } from './screen/table.ts';
import { harmless, harmlessJson, wrap } from './screen/text.ts';
import { type ExitCode, terminal } from './terminal.ts';

type Style = Parameters<typeof styleText>[0];

/** How a command ended, and what it found. */
export interface Ending {
  readonly exitCode?: ExitCode;
  readonly data?: unknown;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly verbose: boolean;
}

/** Of an entry. */
const MARGIN = 9;
const ERASE_LINE = '\r\u001b[2K';
/** Columns at which a line is broken in a file or pipe. */
const NEVER = Number.POSITIVE_INFINITY;

export class Output {
  readonly json: boolean;
  readonly verbose: boolean;
  #progress = '';

  constructor({ json, verbose }: OutputOptions) {
    this.json = json;
    this.verbose = verbose;
  }

  /** A line of the result, for people; several where the screen is narrow. */
  say(text = ''): void {
    if (this.json) return;
    const lines = text.split('\n').flatMap((line) => wrap(harmless(line), terminal.columns ?? NEVER));
    terminal.print(`${lines.join('\n')}\n`);
  }

  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    if (this.json) return;
    const [title = '', ...lines] = tableLines(columns, rows, terminal.columns);
    terminal.print(`${[this.#style('dim', title), ...lines].join('\n')}\n`);
  }

  /** Names and values below each other; a value that is undefined is left out. */
  fields(pairs: readonly (readonly [name: string, value: string | undefined])[]): void {
    if (this.json) return;
    const given = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '');
    const width = Math.max(0, ...given.map(([name]) => name.length)) + 2;
    const columns = Math.max(20, (terminal.columns ?? NEVER) - width);
    for (const [name, value] of given)
      for (const [index, line] of wrap(harmless(value), columns).entries())
        terminal.print(
          `${index === 0 ? this.#style('dim', name.padEnd(width)) : ' '.repeat(width)}${line}\n`,
        );
  }

  /** A word in the margin, and paragraphs beside it. */
  entry({ word, style }: { word: string; style: Style }, paragraphs: readonly string[]): void {
    if (this.json) return;
    const columns = Math.max(20, (terminal.columns ?? NEVER) - MARGIN);
    const lines = paragraphs.flatMap((paragraph) => wrap(harmless(paragraph), columns));
    for (const [index, line] of lines.entries()) {
      const margin = index === 0 ? word.padEnd(MARGIN) : ' '.repeat(MARGIN);
      terminal.print(`${index === 0 ? this.#style(style, margin) : margin}${line}\n`);
    }
  }

  heading(text: string): void {
    if (!this.json) terminal.print(`${this.#style('bold', harmless(text))}\n`);
  }

  /** What people should know beside the result. */
  note(text: string): void {
    if (this.json) return;
    this.#aside(broken(text));
  }

  /** A line for programs while a command is under way. */
  event(event: string, data: unknown): void {
    if (this.json) terminal.print(`${harmlessJson({ event, data })}\n`);
  }

  /** Replaces the last line on a screen; one that is empty takes it away. */
  progress(line: string): void {
    if (this.json || !terminal.notesToScreen) return;
    if (line === this.#progress) return;
    this.#progress = line;
    terminal.note(`${ERASE_LINE}${line}`);
  }

  end(command: string, { exitCode = 0, data }: Ending): ExitCode {
    this.progress('');
    if (this.json) terminal.print(`${harmlessJson({ event: 'result', command, exitCode, data })}\n`);
    return exitCode;
  }

  fail(command: string | undefined, failure: Failure, error: unknown): ExitCode {
    this.progress('');
    const { exitCode, code, message, advice, details } = failure;
    if (this.json) {
      const told = { code, message, advice, details };
      terminal.print(`${harmlessJson({ event: 'result', command, exitCode, error: told })}\n`);
    } else {
      const lead = this.#noteStyle(exitCode === 3 ? 'yellow' : ['red', 'bold'], code);
      // The code is part of the line that is broken, and styled afterwards.
      this.#aside(broken(`${code}  ${failure.inCommands ?? message}`).replace(code, () => lead));
      if (advice !== undefined) this.note(advice);
    }
    if (this.verbose) terminal.note(`${harmlessLines(inspect(error))}\n`);
    return exitCode;
  }

  /** Warnings of the library; with `--verbose` everything it says. */
  get logger(): Logger {
    const log = (level: string, isShown: boolean) => (message: string, details?: object) => {
      if (!isShown) return;
      if (this.json) this.event('log', { level, message, details: details && plain(details) });
      else
        this.note(`${level}: ${inCommands(message)}${this.verbose && details ? ` ${inspect(details)}` : ''}`);
    };
    return {
      debug: log('debug', this.verbose),
      info: log('info', this.verbose),
      warn: log('warning', true),
      error: log('error', true),
    };
  }

  #aside(text: string): void {
    const again = this.#progress;
    terminal.note(again === '' ? text : `${ERASE_LINE}${text}${again}`);
  }

  #style(style: Style, text: string): string {
    return terminal.hasColor ? styleText(style, text, { validateStream: false }) : text;
  }

  #noteStyle(style: Style, text: string): string {
    const hasColor = terminal.notesToScreen && !terminal.environment.NO_COLOR;
    return hasColor ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** Lines of a note as the screen has room for them. */
function broken(text: string): string {
  const columns = terminal.notesToScreen ? terminal.noteColumns : NEVER;
  const lines = text.split('\n').flatMap((line) => wrap(harmless(line), columns));
  return `${lines.join('\n')}\n`;
}

/** Errors have no enumerable message of their own. */
function plain(details: object): object {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [key, value instanceof Error ? value.message : value]),
  );
}
