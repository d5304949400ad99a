/** Texts in a radix tree over their bytes: which of them are prefixes of a given text is found in one walk down. */

export class PrefixTree<T> {
  /** Bytes between the place above and this one. */
  label: Uint8Array;
  /** What belongs to the text that ends here. */
  value: T | null = null;
  /** Places below, by their first byte. */
  readonly below = new Map<number, PrefixTree<T>>();

  constructor(label: Uint8Array = new Uint8Array(0)) {
    this.label = label;
  }

  /** Add a text that is not in the tree. INVARIANT: this place's own label is empty. */
  add(text: Uint8Array, value: T): void {
    let place: PrefixTree<T> = this;
    let at = 0;
    while (at < text.length) {
      const next = place.below.get(text[at]!);
      if (next === undefined) {
        const leaf = new PrefixTree<T>(text.slice(at));
        place.below.set(text[at]!, leaf);
        leaf.value = value;
        return;
      }
      const common = commonLength(next.label, text, at);
      place = common < next.label.length ? split(place, next, common) : next;
      at += common;
    }
    place.value = value;
  }
}

/** Put a place between `above` and `next`, where the label of `next` is cut. */
function split<T>(above: PrefixTree<T>, next: PrefixTree<T>, at: number): PrefixTree<T> {
  const between = new PrefixTree<T>(next.label.slice(0, at));
  above.below.set(between.label[0]!, between);
  next.label = next.label.slice(at);
  between.below.set(next.label[0]!, next);
  return between;
}

function commonLength(label: Uint8Array, text: Uint8Array, at: number): number {
  const length = Math.min(label.length, text.length - at);
  let i = 0;
  while (i < length && label[i] === text[at + i]) i++;
  return i;
}
