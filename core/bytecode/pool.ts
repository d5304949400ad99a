/** Constants of one kind, each once. */

const FIRST_ROOM = 64;
const UNUSED = -1;

export class Pool<T> {
  /** By handle. */
  readonly values: T[] = [];
  readonly #handles = new Map<string, number>();
  /** By handle: the index in the bundle that is written. */
  #indexes = new Int32Array(FIRST_ROOM).fill(UNUSED);
  /** By index. */
  #used: number[] = [];

  /** A bundle begins: nothing is used yet. */
  start(): void {
    this.#indexes.fill(UNUSED);
    this.#used = [];
  }

  /** Of the value with this key. */
  handle(key: string, make: () => T): number {
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    const handle = this.add(make());
    this.#handles.set(key, handle);
    return handle;
  }

  /** Of a value that has no key. */
  add(value: T): number {
    const handle = this.values.push(value) - 1;
    if (handle === this.#indexes.length) {
      const grown = new Int32Array(2 * handle).fill(UNUSED);
      grown.set(this.#indexes);
      this.#indexes = grown;
    }
    return handle;
  }

  /** Its index; the next one where it had none yet. */
  use(handle: number): number {
    const known = this.#indexes[handle]!;
    if (known !== UNUSED) return known;
    const index = this.#used.push(handle) - 1;
    this.#indexes[handle] = index;
    return index;
  }

  /** How many are used. */
  get size(): number {
    return this.#used.length;
  }

  /** By index. */
  get used(): readonly number[] {
    return this.#used;
  }

  /** By index. */
  usedValues(): T[] {
    return this.#used.map((handle) => this.values[handle]!);
  }
}
