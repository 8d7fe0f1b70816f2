/**
 * Writes an ONNX file by hand: a graph that looks up a row of a table for each token. The messages and their
 * field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */

/** A varint field of a protobuf message. */
const number = (field: number, value: number) => Buffer.concat([varint(field << 3), varint(value)]);
/** A field of bytes: a string, a message, packed numbers. */
function bytes(field: number, ...content: readonly (string | Uint8Array)[]): Buffer {
  const whole = Buffer.concat(content.map((part) => Buffer.from(part as string)));
  return Buffer.concat([varint((field << 3) | 2), varint(whole.length), whole]);
}

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) out.push((rest & 127) | 128);
  return Buffer.from([...out, rest]);
}

const FLOAT = 1;
const INT64 = 7;

function tensorType(name: string, elementType: number, dimensions: readonly (string | number)[]): Buffer {
  const shape = dimensions.map((size) =>
    bytes(1, typeof size === 'number' ? number(1, size) : bytes(2, size)),
  );
  const tensor = bytes(1, number(1, elementType), bytes(2, ...shape));
  return Buffer.concat([bytes(1, name), bytes(2, tensor)]);
}

/** A model file whose `last_hidden_state` holds, for each token id, that row of the table. */
export function lookupModel(table: readonly Float32Array[]): Buffer {
  const width = table[0]!.length;
  const rows = Buffer.concat(table.map((row) => Buffer.from(row.buffer)));
  const gather = Buffer.concat([
    bytes(1, 'table'),
    bytes(1, 'input_ids'),
    bytes(2, 'last_hidden_state'),
    bytes(3, 'look up'),
    bytes(4, 'Gather'),
  ]);
  const initializer = Buffer.concat([
    bytes(1, varint(table.length), varint(width)),
    number(2, FLOAT),
    bytes(8, 'table'),
    bytes(9, rows),
  ]);
  const graph = Buffer.concat([
    bytes(1, gather),
    bytes(2, 'tiny'),
    bytes(5, initializer),
    bytes(11, tensorType('input_ids', INT64, ['batch', 'tokens'])),
    bytes(11, tensorType('attention_mask', INT64, ['batch', 'tokens'])),
    bytes(12, tensorType('last_hidden_state', FLOAT, ['batch', 'tokens', width])),
  ]);
  return Buffer.concat([
    number(1, 8),
    bytes(2, 'test'),
    bytes(7, graph),
    bytes(8, bytes(1, ''), number(2, 13)),
  ]);
}
