/** A process that the driver has started, and may stop, continue and kill at any moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@registry/core';

const compiled = fileURLToPath(new URL('../../../node_modules/.cache/chaos', import.meta.url));

/** How often a process that is to stop or end is looked at. */
const LOOK_MS = 5;
/** A process that said that it stops has not for this many looks. */
const LOOKS_BEFORE_STOP = 400;

export type Role = 'worker' | 'application' | 'operator';

/** What a process tells, one JSON object a line. */
export type Message = { readonly kind: string } & Readonly<Record<string, unknown>>;

export class ChaosProcess {
  readonly role: Role;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  #state: 'running' | 'frozen' | 'gone' = 'running';
  #killed = false;
  #complaints = '';
  readonly messages: Message[] = [];
  /** Told of each message once it has arrived. */
  onMessage: (message: Message) => void = () => {};

  constructor(role: Role, options: object) {
    this.role = role;
    const program = fileURLToPath(new URL(`./${role}.ts`, import.meta.url));
    this.#child = spawn(process.execPath, [program, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Half of the time of a process that is soon killed would be compiling.
      env: { ...process.env, NODE_COMPILE_CACHE: compiled },
    });
    this.#child.stderr!.on('data', (text) => (this.#complaints += String(text)));
    // A process that was killed does not read any more.
    this.#child.stdin!.on('error', () => {});
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#hear(line));
    this.#exit = once(this.#child, 'close').finally(() => {
      this.#state = 'gone';
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get state(): 'running' | 'frozen' | 'gone' {
    return this.#state;
  }

  /** It has begun to work. */
  get isReady(): boolean {
    return this.messages.length > 0;
  }

  #hear(line: string): void {
    const message = JSON.parse(line) as Message;
    this.messages.push(message);
    // A process says that it stops itself, and is stopped by the time anybody could do something about it.
    if (message.kind === 'stops' && this.#state === 'running') this.#state = 'frozen';
    this.onMessage(message);
  }

  /**
   * Resolves with the first message of this kind, also one from before; once it stands still where that says that
   * it stops. Rejects where the process ends without it. */
  async heard(kind: string): Promise<Message> {
    for (;;) {
      const found = this.messages.find((message) => message.kind === kind);
      if (found !== undefined) {
        if (kind === 'stops') await this.standsStill();
        return found;
      }
      if (this.#state === 'gone')
        throw new Error(`A ${this.role} ended without ${kind}: ${this.#complaints}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = this.onMessage;
      this.onMessage = (message) => {
        before(message);
        resolve();
      };
      await Promise.race([promise, this.#exit]);
      this.onMessage = before;
    }
  }

  /** SIGSTOP; resolves once it does nothing any more. */
  async freeze(): Promise<void> {
    if (this.#state !== 'running') return;
    this.#child.kill('SIGSTOP');
    this.#state = 'frozen';
    await this.standsStill();
  }

  /** Resolves once the process does nothing any more, after a stop of its own or of ours. */
  async standsStill(): Promise<void> {
    for (let looks = 1; this.#state === 'frozen' && this.#isMoving(); looks += 1) {
      // What it said of a stop of its own may be heard only after it was continued.
      if (looks % LOOKS_BEFORE_STOP === 0) this.#child.kill('SIGSTOP');
      await systemClock.sleep(LOOK_MS);
    }
  }

  #isMoving(): boolean {
    return this.#threads().some((state) => !/[TtZX]/.test(state));
  }

  /** What each thread is at: each stops when it next comes out of the kernel. */
  #threads(): string[] {
    const tasks = `/proc/${this.pid}/task`;
    try {
      return readdirSync(tasks).map((task) => {
        const stat = readFileSync(`${tasks}/${task}/stat`, 'utf8');
        return stat.charAt(stat.lastIndexOf(')') + 2);
      });
    } catch {
      return [];
    }
  }

  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    this.#child.kill('SIGCONT');
  }

  /** Continues a process that was about to stop itself when it was frozen and continued from here. */
  keepGoing(): void {
    if (this.#state === 'running' && this.#threads().includes('T')) this.#child.kill('SIGCONT');
  }

  /** SIGKILL, frozen or not; resolves once the process is gone. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#child.kill('SIGKILL');
    await this.#exit.catch(() => {});
  }

  /** Asks it to finish what is in hand; resolves once it has ended, and rejects where it ended badly. */
  async rest(): Promise<void> {
    this.#child.stdin?.end();
    while (this.#state !== 'gone') {
      // It may have been told to stop itself at a place that it comes by only now.
      if (this.#state === 'frozen') await this.standsStill();
      this.thaw();
      this.keepGoing();
      await Promise.race([this.#exit, systemClock.sleep(LOOK_MS)]);
    }
    await this.ended();
  }

  async ended(): Promise<void> {
    const [code] = await this.#exit;
    if (code !== 0 && !this.#killed) throw new Error(`A ${this.role} failed: ${this.#complaints}`);
  }
}
