import { expect, it } from 'vitest';
import { type Column, tableLines } from '../src/screen/table.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly done: string;
  readonly from: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'NAME', cell: ({ name }) => name, least: 20 },
  { title: 'DONE', cell: ({ done }) => done, align: 'right' },
  { title: 'FROM', cell: ({ from }) => from, least: 8, spare: 1 },
];
const row = { id: 'e556e2bc', name: 'text-embedding-3-large:v12 of Europe', done: '98 %', from: 'ada:v2' };

it.each([
  [undefined, 'e556e2bc  text-embedding-3-large:v12 of Europe  98 %  ada:v2'],
  [50, 'e556e2bc  text-embedding-3-large:v1…  98 %  ada:v2'],
  [40, 'e556e2bc  text-embedding-3-large:…  98 %'],
  [30, 'e556e2bc  text-embeddin…  98 %'],
  [20, 'e556e2bc  text-…  9…'],
])('a table of %j columns keeps what cannot be left out', (screen, line) => {
  expect(tableLines(columns, [row], screen).at(-1)).toBe(line);
});
