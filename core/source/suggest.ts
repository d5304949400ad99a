/** "Did you mean": the nearest known name by edit distance. */

const NAME_LENGTH_MAX = 64;

/** The candidate nearest to `name`, or `null` when none is near enough (a third of its length, at most 3 edits). */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  if (name.length > NAME_LENGTH_MAX) return null;
  let best: string | null = null;
  let bestDistance = Math.min(3, Math.max(1, Math.floor(name.length / 3))) + 1;
  for (const candidate of candidates) {
    if (candidate === name || Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** "did you mean `x`?", or the fallback advice. */
export function didYouMean(name: string, candidates: Iterable<string>, otherwise: string): string;
export function didYouMean(name: string, candidates: Iterable<string>): string | null;
export function didYouMean(
  name: string,
  candidates: Iterable<string>,
  otherwise: string | null = null,
): string | null {
  const near = nearest(name, candidates);
  return near === null ? otherwise : `did you mean \`${near}\`?`;
}

/** Levenshtein distance with transposition of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
