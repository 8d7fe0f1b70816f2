import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lookupModel } from './onnx-file.ts';

export const tinyDimension = 8;
export const tinyMaxTokens = 16;

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const words =
  'the a registry knows which model made vector quick brown fox plan and its backups ##s ##ing'.split(' ');
const vocabulary = [...new Set([...special, ...words, ...'abcdefghijklmnopqrstuvwxyz0123456789.,!'])];

export const tokenId = (token: string) => vocabulary.indexOf(token);

/** What the model holds for a token: no two alike, none zero. */
export function rowOf(id: number, seed = 0): Float32Array {
  return Float32Array.from({ length: tinyDimension }, (_, index) =>
    Math.fround(Math.sin(1 + id * 7 + index * 3 + seed)),
  );
}

/** A model folder as the hub has them: weights in two types, WordPiece tokenizer, configuration. */
export function writeTinyModel(folder: string): void {
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  const table = (seed: number) => vocabulary.map((_, id) => rowOf(id, seed));
  writeFileSync(join(folder, 'onnx/model.onnx'), lookupModel(table(0)));
  writeFileSync(join(folder, 'onnx/model_quantized.onnx'), lookupModel(table(0.5)));
  const json = (file: string, value: unknown) => writeFileSync(join(folder, file), JSON.stringify(value));
  json('config.json', {
    model_type: 'bert',
    architectures: ['BertModel'],
    hidden_size: tinyDimension,
    max_position_embeddings: tinyMaxTokens,
    vocab_size: vocabulary.length,
  });
  json('tokenizer_config.json', {
    tokenizer_class: 'BertTokenizer',
    model_max_length: 512,
    do_lower_case: true,
  });
  json('tokenizer.json', tokenizer());
}

function tokenizer() {
  const token = (content: string) => ({
    id: tokenId(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const marked = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map(token),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [marked('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, marked('[SEP]')],
      pair: [],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [tokenId(id)], tokens: [id] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  };
}
