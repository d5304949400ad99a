/** RE2 itself, compiled to wasm: what `matches` is compared with. */
import re2 from "re2-wasm/build/wasm/re2.js";

/** The package's own wrapper rewrites patterns to look like JavaScript's; this asks the engine below it. */
interface Engine {
  ok(): boolean;
  error(): string;
  match(input: string, start: number, captures: boolean): { readonly index: number };
  /** The wasm heap does not grow, and nobody else gives back what a pattern takes. */
  delete(): void;
}

/** Use a pattern of RE2's while `use` runs: null if RE2 refuses it, else what `use` returns. */
export function withRe2<T>(pattern: string, use: (matches: (text: string) => boolean) => T): T | null {
  const engine = new re2.WrappedRE2(pattern, false, false, false) as unknown as Engine;
  try {
    return engine.ok() ? use((text) => engine.match(text, 0, false).index >= 0) : null;
  } finally {
    engine.delete();
  }
}
