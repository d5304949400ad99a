/** Lines on their way to where they are kept: bounded, in order, tried again until they are there. */

/** Where lines are kept. */
export interface Sink {
  /** How the operator knows it. */
  readonly name: string;
  /** Milliseconds for which lines are gathered. */
  readonly gatherMs: number;
  /** Keep all of them. Rejected: none is kept, or nobody knows; then they are given again. */
  write(lines: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** A sink that will not take these lines however often they are given. */
export class Unacceptable extends Error {}

export interface OutboxOptions {
  readonly sink: Sink;
  /** Characters that wait at most. */
  readonly charactersMax: number;
  /** Throw away what the sink will never take. */
  readonly discards: boolean;
  /** The first failure after a success, and the first success after one. */
  readonly told: (problem: Error | null) => void;
  readonly backoffMs?: { readonly first: number; readonly last: number };
}

export interface OutboxState {
  readonly written: number;
  /** Thrown away. */
  readonly lost: number;
  readonly failures: number;
  readonly failing: boolean;
  readonly waitingCharacters: number;
}

const BATCH_LINES_MAX = 1_000;
const BATCH_CHARACTERS_MAX = 1024 * 1024;
const BACKOFF_MS = { first: 100, last: 10_000 };

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: string[] = [];
  #characters = 0;
  #running: Promise<void> | null = null;
  #written = 0;
  #lost = 0;
  #failures = 0;
  #failing = false;
  /** Ends a pause. */
  #hurry: (() => void) | null = null;
  #draining = false;
  #abandoned = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get state(): OutboxState {
    return {
      ...{ written: this.#written, lost: this.#lost, failures: this.#failures, failing: this.#failing },
      waitingCharacters: this.#characters,
    };
  }

  get failing(): boolean {
    return this.#failing;
  }

  /** There is room for some more lines of the usual size. */
  get hasRoom(): boolean {
    return this.#characters < this.#options.charactersMax;
  }

  /** False: there is no room, and the line is lost. */
  push(line: string): boolean {
    if (!this.hasRoom || this.#abandoned) {
      this.#lost += 1;
      return false;
    }
    this.#waiting.push(line);
    this.#characters += line.length;
    this.#running ??= this.#run();
    return true;
  }

  /** Write all that waits, for `timeoutMs` at most; then close the sink. Returns how many lines could not be written. */
  async drain(timeoutMs: number): Promise<number> {
    this.#draining = true;
    this.#hurry?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#running, late]);
    clearTimeout(timer);
    this.#abandoned = true;
    this.#hurry?.();
    const left = this.#waiting.length;
    this.#lost += left;
    await Promise.race([this.#options.sink.close().catch(() => undefined), pause(CLOSE_MS)]);
    return left;
  }

  /** Never rejected. Ends when nothing waits. */
  async #run(): Promise<void> {
    await this.#pause(this.#options.sink.gatherMs);
    let backoff = this.#backoff.first;
    while (this.#waiting.length > 0 && !this.#abandoned) {
      const count = this.#batch();
      const problem = await this.#write(this.#waiting.slice(0, count));
      if (problem === null) {
        this.#written += count;
        this.#drop(count);
        backoff = this.#backoff.first;
        continue;
      }
      if (problem instanceof Unacceptable && this.#options.discards) {
        this.#lost += count;
        this.#drop(count);
        continue;
      }
      // Servers that failed together must not come back together.
      await this.#pause(backoff * (0.5 + Math.random() / 2));
      backoff = Math.min(backoff * 2, this.#backoff.last);
    }
    this.#running = null;
    // What came after the last look and before this line.
    if (this.#waiting.length > 0 && !this.#abandoned) this.#running = this.#run();
  }

  get #backoff(): { readonly first: number; readonly last: number } {
    return this.#options.backoffMs ?? BACKOFF_MS;
  }

  /** Lines that go together; one at least. */
  #batch(): number {
    let characters = 0;
    let count = 0;
    for (const line of this.#waiting) {
      characters += line.length;
      if (count > 0 && (characters > BATCH_CHARACTERS_MAX || count === BATCH_LINES_MAX)) break;
      count++;
    }
    return count;
  }

  #drop(count: number): void {
    for (const line of this.#waiting.splice(0, count)) this.#characters -= line.length;
  }

  async #write(lines: readonly string[]): Promise<Error | null> {
    try {
      await this.#options.sink.write(lines);
      if (this.#failing) this.#options.told(null);
      this.#failing = false;
      return null;
    } catch (problem) {
      const error = problem instanceof Error ? problem : new Error(String(problem));
      this.#failures += 1;
      if (!this.#failing) this.#options.told(error);
      this.#failing = true;
      return error;
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#abandoned) return Promise.resolve();
    return new Promise((resolve) => {
      // While the server drains, every pause is short: it has little time left.
      const timer = setTimeout(resolve, this.#draining ? Math.min(ms, DRAIN_PAUSE_MS) : ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const CLOSE_MS = 1_000;
const DRAIN_PAUSE_MS = 100;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
