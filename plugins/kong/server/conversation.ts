/** One event of a request: a handler that calls Kong's functions, seen from the wire, where Kong asks and we answer. */
import type { Logger } from "pino";
import { DECISION_KEY } from "./config.ts";
import { decisionId } from "./decision-id.ts";
import { EXIT, type Pdk, pdkOver, SET_SHARED } from "./pdk.ts";
import { failure } from "./response.ts";

/** What goes to Kong next. */
export type Turn =
  | { readonly kind: "call"; readonly method: string; readonly args: readonly unknown[] }
  /** The handler is done, and the request goes on. */
  | { readonly kind: "return" };

export interface ConversationOptions {
  readonly handler: (kong: Pdk) => Promise<unknown>;
  /** Our own time for one turn. */
  readonly limitMs: number;
  readonly logger: Logger;
}

/** Kong could not carry out a call. */
export class KongRefused extends Error {}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (problem: Error) => void;
}

/**
 * INVARIANT: every turn is a call or the end of a handler that recorded a decision. Whatever else happens to the handler
 * (it throws, it takes too long, it ends without a decision) becomes a call of `kong.response.exit`. So whoever writes turns
 * to the wire never has a failure to report: Kong's MsgPack client would let the request pass on it (mp_rpc.lua).
 */
export class Conversation {
  readonly #options: ConversationOptions;
  /** Gives the turn that Kong waits for. */
  #answer: ((turn: Turn) => void) | null = null;
  #waiting: Waiting | null = null;
  /** Calls of one handler go out one after the other, in the order in which they were made. */
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #decided = false;
  #over = false;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** No further turn will come: the handler is done or the request was ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Run the handler up to its first turn. */
  start(): Promise<Turn> {
    const turn = this.#nextTurn();
    const kong = pdkOver((method, args) => this.#call(method, args));
    Promise.resolve()
      .then(() => this.#options.handler(kong))
      .then(
        () => this.#handled(),
        (problem: unknown) => this.#failed("the handler failed", problem),
      );
    return turn;
  }

  /** Kong's answer to the last call; the turn after it. */
  reply(value: unknown): Promise<Turn> {
    return this.#resume((waiting) => waiting.resolve(value));
  }

  /** Kong says that the last call failed. */
  refuse(message: string): Promise<Turn> {
    return this.#resume((waiting) => waiting.reject(new KongRefused(message)));
  }

  /** The connection is gone: the handler ends, and nobody hears of it. */
  abandon(): void {
    this.#end();
  }

  #resume(hand: (waiting: Waiting) => void): Promise<Turn> {
    const waiting = this.#waiting;
    if (waiting === null || this.#over) return Promise.resolve(denialTurn(decisionId()));
    this.#waiting = null;
    const turn = this.#nextTurn();
    hand(waiting);
    return turn;
  }

  #nextTurn(): Promise<Turn> {
    const turn = new Promise<Turn>((resolve) => {
      this.#answer = resolve;
    });
    this.#timer = setTimeout(
      () => this.#failed(`the handler took longer than ${this.#options.limitMs} ms`),
      this.#options.limitMs,
    );
    return turn;
  }

  #call(method: string, args: readonly unknown[]): Promise<unknown> {
    const called = this.#last.then(() => this.#callNow(method, args));
    this.#last = called.catch(() => undefined);
    return called;
  }

  #callNow(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#over) return Promise.reject(new Error("the request was answered already"));
    if (method === EXIT) {
      this.#give({ kind: "call", method, args });
      this.#end();
      return Promise.resolve();
    }
    if (method === SET_SHARED && args[0] === DECISION_KEY) this.#decided = true;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#give({ kind: "call", method, args });
    });
  }

  #handled(): void {
    if (this.#over) return;
    if (!this.#decided) {
      this.#failed("the handler ended without a decision");
      return;
    }
    this.#give({ kind: "return" });
    this.#end();
  }

  #failed(what: string, problem?: unknown): void {
    if (this.#over) return;
    const id = decisionId();
    try {
      this.#options.logger.error({ decision_id: id, err: problem }, what);
    } catch {
      // A log that cannot be written changes no decision.
    }
    this.#give(denialTurn(id));
    this.#end();
  }

  #give(turn: Turn): void {
    clearTimeout(this.#timer);
    const answer = this.#answer;
    this.#answer = null;
    answer?.(turn);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#over = true;
    this.#waiting?.reject(new Error("the request is over"));
    this.#waiting = null;
  }
}

/** The call that ends a request about which nothing else can be said. */
export function denialTurn(id: string): Turn & { kind: "call" } {
  const { status, body, headers } = failure(null, id);
  return { kind: "call", method: EXIT, args: [status, body, headers] };
}
