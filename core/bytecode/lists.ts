/** What was made of lists of numbers, found again by the list. */

interface Entry<T> {
  readonly list: readonly number[];
  readonly made: T;
  /** The one before it whose list has the same hash. */
  readonly next: Entry<T> | undefined;
}

export class Lists<T> {
  readonly #entries = new Map<number, Entry<T>>();

  of(list: readonly number[], make: () => T): T {
    const hash = hashOf(list);
    const first = this.#entries.get(hash);
    for (let entry = first; entry !== undefined; entry = entry.next)
      if (areEqual(entry.list, list)) return entry.made;
    const made = make();
    this.#entries.set(hash, { list, made, next: first });
    return made;
  }
}

function hashOf(list: readonly number[]): number {
  let hash = list.length;
  for (const value of list) {
    hash = Math.imul(hash ^ value, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function areEqual(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
