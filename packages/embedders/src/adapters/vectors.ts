import { EmbedderError, type EmbeddingModelSpec, type Vector, vectorFault } from '@registry/core';

/**
 * What a model answered as vectors of the specification: each a copy, none empty, zero or of another length.
 * @throws EmbedderError `fatal` where every vector has the same wrong length, `refused` for any other fault
 */
export function checkedVectors(answer: unknown, count: number, spec: EmbeddingModelSpec): Vector[] {
  if (!Array.isArray(answer)) throw refusal('The model answered no list of vectors.');
  if (answer.length !== count)
    throw refusal(`The model answered ${answer.length} vectors for ${count} texts.`);
  const vectors = answer.map((vector, index) => float32(vector, index, count));
  const [first] = vectors;
  const length = first?.length;
  if (length !== undefined && length !== spec.dimension && vectors.every((other) => other.length === length))
    throw wrongDimension(length, spec);
  for (const [index, vector] of vectors.entries()) {
    const fault = vectorFault(vector, spec);
    if (fault !== undefined)
      throw refusal(`Vector ${index + 1} of ${count} is not one of ${spec.qualifiedId}: ${fault}.`);
  }
  return vectors;
}

function float32(vector: unknown, index: number, count: number): Float32Array {
  if (vector instanceof Float32Array || vector instanceof Float64Array) return Float32Array.from(vector);
  if (Array.isArray(vector) && vector.length > 0 && vector.every((element) => typeof element === 'number'))
    return Float32Array.from(vector as number[]);
  throw refusal(`Vector ${index + 1} of ${count} is not a list of numbers.`);
}

function refusal(message: string): EmbedderError {
  return new EmbedderError('refused', message);
}

/** The setting is wrong, not a text: no other text will do better. */
function wrongDimension(length: number, spec: EmbeddingModelSpec): EmbedderError {
  return new EmbedderError(
    'fatal',
    `The model answers vectors of ${length} elements, its specification says ${spec.dimension}; set dimension to ${length}, or ask the model for ${spec.dimension}.`,
    { details: { answered: length, dimension: spec.dimension } },
  );
}
