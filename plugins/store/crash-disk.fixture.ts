/** A disk in memory that crashes after a number of steps, and forgets what was not made safe. */
import { dirname } from "node:path";
import type { Disk } from "./disk.ts";

interface File {
  /** What readers see. */
  bytes: Uint8Array;
  /** What outlives a crash for sure. */
  safe: Uint8Array;
}

const NOTHING = new Uint8Array();

/**
 * What became of things that were not made safe: they were kept all the same, they were lost, or names were kept and what is in
 * the files was lost. A real disk may do any of it.
 */
export const FATES = ["kept", "lost", "names kept"] as const;
export type Fate = (typeof FATES)[number];

export class CrashDisk implements Disk {
  #live: Map<string, File>;
  #safe: Map<string, File>;
  /** Steps that still go well. */
  #left: number;

  constructor(steps = Number.POSITIVE_INFINITY, files = new Map<string, File>()) {
    this.#left = steps;
    this.#live = new Map(files);
    this.#safe = new Map(files);
  }

  /** The disk after a crash; the new one never crashes, unless it is told to. */
  after(fate: Fate, steps = Number.POSITIVE_INFINITY): CrashDisk {
    const files = [...(fate === "lost" ? this.#safe : this.#live)].map(([path, { bytes, safe }]) => {
      const content = fate === "kept" ? bytes : safe;
      return [path, { bytes: content, safe: content }] as const;
    });
    return new CrashDisk(steps, new Map(files));
  }

  get paths(): readonly string[] {
    return [...this.#live.keys()].sort();
  }

  /** Somebody else writes into a file. */
  overwrite(path: string, text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#live.set(path, { bytes, safe: bytes });
  }

  async makeFolder(): Promise<void> {}

  async list(path: string): Promise<string[]> {
    return [...this.#live.keys()]
      .filter((each) => dirname(each) === path)
      .map((each) => each.slice(path.length + 1));
  }

  async read(path: string): Promise<Uint8Array | null> {
    return this.#live.get(path)?.bytes ?? null;
  }

  async write(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
    const bytes = Buffer.concat([...chunks]);
    const file = { bytes: NOTHING, safe: NOTHING };
    this.#step(() => this.#live.set(path, file));
    this.#step(() => (file.bytes = bytes.subarray(0, bytes.length >> 1)));
    this.#step(() => (file.bytes = bytes));
    this.#step(() => (file.safe = bytes));
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#live.get(from);
    if (file === undefined) throw new Error(`there is no ${from}`);
    this.#step(() => {
      this.#live.set(to, file);
      this.#live.delete(from);
    });
  }

  async syncFolder(path: string): Promise<void> {
    this.#step(() => {
      const here = ([name]: readonly [string, File]): boolean => dirname(name) === path;
      const others = [...this.#safe].filter((entry) => !here(entry));
      this.#safe = new Map([...others, ...[...this.#live].filter(here)]);
    });
  }

  async remove(path: string): Promise<void> {
    this.#step(() => this.#live.delete(path));
  }

  #step(action: () => unknown): void {
    if (this.#left === 0) throw new Error("the machine has crashed");
    this.#left -= 1;
    action();
  }
}
