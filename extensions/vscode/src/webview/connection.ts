import type { Say } from '../language.ts';
import type { HostMessage, PageMessage, Question, Subject } from '../panels/protocol.ts';
import type { OutputOf, Reads } from '../registry-process/messages.ts';

interface Editor {
  postMessage(message: PageMessage): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): Editor;

type InputFor<Name extends Question['name']> =
  Extract<Question, { name: Name }> extends { input: infer Input } ? [Input] : [];

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

type Shown = Extract<HostMessage, { type: 'show' }>;

/** The way from the page to the extension. */
export class Connection {
  readonly #editor = acquireVsCodeApi();
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #sentences: Readonly<Record<string, string>> = {};

  /** `onShow` once, then each message that is no answer. */
  listen(onShow: (shown: Shown) => void, onTold: (message: HostMessage) => void): void {
    addEventListener('message', (event: MessageEvent<HostMessage>) => {
      const message = event.data;
      if (message.type === 'answer' || message.type === 'refused') this.#settle(message);
      else if (message.type !== 'show') onTold(message);
      else {
        this.#sentences = message.sentences;
        onShow(message);
      }
    });
    this.#editor.postMessage({ type: 'ready' });
  }

  readonly say: Say = (sentence, values = {}) =>
    (this.#sentences[sentence] ?? sentence).replaceAll(/\{(\w+)\}/g, (slot, name: string) =>
      String(values[name] ?? slot),
    );

  ask<Name extends Question['name']>(name: Name, ...input: InputFor<Name>): Promise<OutputOf<Reads[Name]>> {
    const id = ++this.#lastId;
    const question = { name, ...(input.length > 0 && { input: input[0] }) } as Question;
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#editor.postMessage({ type: 'ask', id, question });
    }) as Promise<OutputOf<Reads[Name]>>;
  }

  tell(message: PageMessage): void {
    this.#editor.postMessage(message);
  }

  /** What the page is made again from, after it was hidden or the window was reloaded. */
  remember(subject: Subject, more: object): void {
    this.#editor.setState({ ...subject, ...more });
  }

  get remembered(): unknown {
    return this.#editor.getState();
  }

  #settle(message: Extract<HostMessage, { type: 'answer' | 'refused' }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(new Error(`${message.error.code}: ${message.error.message}`));
  }
}
