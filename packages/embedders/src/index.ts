export { type BinaryHdvOptions, binaryHdv } from './binary-hdv.ts';
export { type HashedNgramOptions, hashedNgram } from './hashed-ngram.ts';
