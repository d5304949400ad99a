/** Connections to a plugin server, kept and reused as Kong's pool does. */
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";

/** Why nothing more came: words that Kong's client looks for among them. */
export class Gone extends Error {}

export interface ConnectionOptions {
  readonly socket: string;
  /** Kong waits for 60 s. */
  readonly receiveMs: number;
  /** Bytes to send at once; 0 sends each frame whole. */
  readonly chunkBytes: number;
}

/** One connection: bytes that came and were not read yet, and who waits for them. */
export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #received: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  #ended = false;

  private constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** @throws Gone, where nobody listens */
  static open(options: ConnectionOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(options.socket);
      socket.once("connect", () => resolve(new Connection(socket, options)));
      socket.once("error", (problem) => reject(new Gone(`connection refused: ${problem.message}`)));
    });
  }

  /** Open, and with nothing left to read. */
  get idle(): boolean {
    return !this.#ended && this.#received.length === 0;
  }

  async send(bytes: Uint8Array): Promise<void> {
    const { chunkBytes } = this.#options;
    if (chunkBytes === 0) {
      this.#socket.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      this.#socket.write(bytes.subarray(at, at + chunkBytes));
      // A turn of the event loop on both sides, so that the other one sees each part by itself.
      await turn();
      await turn();
    }
  }

  /** Exactly that many bytes. @throws Gone */
  async receive(count: number): Promise<Buffer> {
    while (this.#received.length < count) await this.#more();
    const bytes = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return bytes;
  }

  /** What `read` makes of what has come; it gives null where that is not enough. @throws Gone */
  async receiveBy<T>(
    read: (bytes: Buffer) => { readonly value: T; readonly used: number } | null,
  ): Promise<T> {
    for (;;) {
      const found = this.#received.length === 0 ? null : read(this.#received);
      if (found !== null) {
        this.#received = this.#received.subarray(found.used);
        return found.value;
      }
      await this.#more();
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new Gone("closed");
    let late = false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        late = true;
        resolve();
      }, this.#options.receiveMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
    if (late) throw new Gone("timeout");
  }
}

/** Connections that nobody uses now. */
export class Pool {
  readonly #options: ConnectionOptions;
  #idle: Connection[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  async take(): Promise<Connection> {
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop())
      if (found.idle) return found;
    return Connection.open(this.#options);
  }

  giveBack(connection: Connection): void {
    if (connection.idle) this.#idle.push(connection);
    else connection.destroy();
  }

  close(): void {
    for (const connection of this.#idle) connection.destroy();
    this.#idle = [];
  }
}
