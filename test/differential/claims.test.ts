import { describe, expect, test } from "vitest";
import { check } from "../../core/check/check.ts";
import { compile, renderDiagnostic } from "../../core/index.ts";
import { Diagnostics } from "../../core/source/diagnostics.ts";
import { parse } from "../../core/syntax/parse.ts";
import { prepare } from "./bundles.ts";
import { Claims } from "./claims.ts";
import { denseText, denseValuation } from "./dense.ts";
import { bundleText, generateBundle } from "./policies.ts";
import { partSeed, Random } from "./random.ts";
import { buildRequest, generateRequest } from "./requests.ts";

/** More documents, or another seed: `IPE_CLAIMS_DOCUMENTS=2000 IPE_CLAIMS_SEED=7 npx vitest run test/differential/claims`. */
const { IPE_CLAIMS_DOCUMENTS = "60", IPE_CLAIMS_SEED = "20261129" } = process.env;
const DOCUMENTS = Number(IPE_CLAIMS_DOCUMENTS);
const SEED = Number(IPE_CLAIMS_SEED);
const REQUESTS = 100;
const LIMIT_MS = 600_000;

describe("no request contradicts what the checker says", () => {
  test(`of dense conditions, ${DOCUMENTS * REQUESTS} requests of 12 policies`, { timeout: LIMIT_MS }, () => {
    const given = new Map<string, number>();
    for (let index = 0; index < DOCUMENTS; index++) {
      const random = new Random(partSeed(SEED, index));
      const text = denseText(random, 12);
      const { document, diagnostics } = documentOf(text, index);
      for (const d of diagnostics) given.set(d.id, (given.get(d.id) ?? 0) + 1);
      const claims = new Claims(document, diagnostics);
      for (let request = 0; request < REQUESTS; request++) {
        const contradiction = claims.contradictedBy(denseValuation(random));
        if (contradiction !== null)
          throw new Error(`seed ${SEED}, document ${index}, request ${request}: ${contradiction}\n${text}`);
      }
    }
    for (const id of [
      "never-true",
      "always-true",
      "never-applies",
      "never-holds",
      "always-holds",
      "redundant-condition",
    ])
      expect(given.get(id) ?? 0, id).toBeGreaterThan(0);
    expect(given.get("shadowed-policy") ?? 0).toBeGreaterThan(0);
  });

  test(`of any policies, ${DOCUMENTS * REQUESTS} requests`, { timeout: LIMIT_MS }, () => {
    let claimed = 0;
    for (let index = 0; index < DOCUMENTS; index++) {
      const seed = partSeed(SEED, index);
      const prepared = prepare(generateBundle(seed));
      const { diagnostics } = compile(bundleText(prepared.generated).sources, { hints: true });
      const spans = new Map(prepared.document.policies.map((p) => [p.name.text, p.span]));
      // The two compilations have sources of their own; places are the same in both.
      const here = diagnostics.map((d) => {
        const span = [...spans.values()].find((s) => s.source.name === d.span.source.name);
        return span === undefined ? d : { ...d, span: { ...d.span, source: span.source } };
      });
      const claims = new Claims(prepared.document, here);
      claimed += claims.count;
      const random = new Random(partSeed(seed, 1));
      for (let request = 0; request < REQUESTS; request++) {
        const route = request % 2 === 0 ? "http" : "direct";
        const { schema } = prepared.document;
        const built = buildRequest(generateRequest(schema, random, route), schema);
        const contradiction = claims.contradictedBy(built.valuation);
        if (contradiction !== null)
          throw new Error(
            `seed ${SEED}, bundle ${index}, request ${request}: ${contradiction}\n${prepared.text}`,
          );
      }
    }
    expect(claimed).toBeGreaterThan(DOCUMENTS / 4);
  });
});

test.each([
  { id: "never-applies", text: "policy P:\n  triggers when n == 1\n  allows\n" },
  { id: "never-holds", text: "policy P:\n  requires n == 1\n" },
  { id: "always-holds", text: "policy P:\n  requires n == 1\n" },
  { id: "shadowed-policy", text: "policy P:\n  triggers when n == 1\n  allows\n" },
  { id: "redundant-condition", text: "policy P:\n  requires n == 1 and m == 1\n", at: "m == 1" },
] as const)("a false alarm is noticed: $id", ({ id, text, ...more }) => {
  const { document } = documentOf(denseText(new Random(1), 0) + text, 0);
  const { span } = document.policies[0]!;
  const at = "at" in more ? more.at : null;
  const start = at === null ? span.start : span.source.text.lastIndexOf(at);
  const place = { source: span.source, start, end: at === null ? span.end : start + at.length };
  const claims = new Claims(document, [{ severity: "warning", id, message: "", help: null, span: place }]);
  const random = new Random(SEED);
  const found = Array.from({ length: 300 }, () => claims.contradictedBy(denseValuation(random)));
  expect(found.some((contradiction) => contradiction !== null)).toBe(true);
});

function documentOf(text: string, index: number) {
  const report = new Diagnostics({ hints: true });
  const document = check(parse([{ name: `${index}.ipe`, text }], report), report);
  const errors = report.list().filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((d) => renderDiagnostic(d)).join("\n"));
  return { document, diagnostics: report.list() };
}
