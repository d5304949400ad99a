/** How many cases a runtime judged, and how many it could not be asked, by reason. */
import type { NotExpressible, Refused, Seen } from "./runtimes/runtime.ts";

export class Counts {
  #run = 0;
  readonly #refused = new Map<string, number>();
  readonly #notExpressible = new Map<string, number>();

  add(answer: Seen | NotExpressible | Refused): void {
    if ("notExpressible" in answer) increment(this.#notExpressible, answer.notExpressible);
    else if ("refused" in answer) increment(this.#refused, answer.refused);
    else this.#run++;
  }

  /** One line. */
  summary(): string {
    const parts = [`${this.#run} cases run`];
    if (this.#refused.size > 0)
      parts.push(`${total(this.#refused)} answered by the host itself (${listed(this.#refused)})`);
    if (this.#notExpressible.size > 0)
      parts.push(`${total(this.#notExpressible)} not expressible (${listed(this.#notExpressible)})`);
    return parts.join("; ");
  }
}

function increment(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, count]) => `${count} ${reason}`)
    .join(", ");
}
