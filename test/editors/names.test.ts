/** What an editor takes a name for is what the checker takes it for. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Resolved } from "../../core/check/check.ts";
import { analyse, compile, type Source } from "../../core/index.ts";
import { bundleText, generateBundle } from "../differential/policies.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const RANDOM_BUNDLES = 200;

/** How many names were compared. */
function compareNames(sources: readonly Source[]): number {
  const compiled = compile(sources);
  if (!compiled.ok) return 0;
  const { occurrences } = analyse(sources).symbols;
  const found = new Map(
    occurrences.map((o) => [`${sources.indexOf(o.span.source)}:${o.span.start}`, o.symbol]),
  );
  let count = 0;
  for (const [name, resolved] of compiled.document.resolutions.names) {
    const { source, start, end } = name.span;
    // `time_until(x)` reads `now`, which nobody wrote.
    if (source.text.slice(start, end) !== name.text) continue;
    const symbol = found.get(`${sources.indexOf(source)}:${start}`);
    expect(`${symbol?.kind} ${symbol?.name}`, `${source.name}: ${name.text}`).toBe(
      wanted(resolved, name.text),
    );
    count++;
  }
  return count;
}

function wanted(resolved: Resolved, name: string): string {
  switch (resolved.kind) {
    case "attribute":
      return `${resolved.attribute.span === null ? "builtin" : "attribute"} ${resolved.attribute.name}`;
    case "element":
      return `element ${resolved.element.name}`;
    default:
      return `constant ${name}`;
  }
}

test("in every text of the project", () => {
  const files = ["examples", "test"].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  );
  const texts = files.filter((name) => name.endsWith(".ipe"));
  const count = texts.reduce(
    (sum, name) => sum + compareNames([{ name, text: readFileSync(root + name, "utf8") }]),
    0,
  );
  expect(count).toBeGreaterThan(300);
});

test("in random texts", () => {
  let count = 0;
  for (let seed = 0; seed < RANDOM_BUNDLES; seed++)
    count += compareNames(bundleText(generateBundle(seed)).sources);
  expect(count).toBeGreaterThan(RANDOM_BUNDLES);
});
