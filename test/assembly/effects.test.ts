/** What the filter does to the query and to responses. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import { compile, rewriteQuery } from "../../core/index.ts";
import { type HeaderLine, ProxyWasmHost } from "../proxy-wasm-host/index.ts";

const filter = await buildFilter();

async function hostWith(text: string): Promise<ProxyWasmHost> {
  const compiled = compile([{ name: "a.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("; "));
  const host = await ProxyWasmHost.load(filter);
  const bundle = Buffer.from(compiled.bundle).toString("base64");
  expect(host.configure({ configuration: JSON.stringify({ bundle }) }).ok).toBe(true);
  return host;
}

const asked = (path: string, ...lines: readonly HeaderLine[]): HeaderLine[] => [
  [":method", "GET"],
  [":path", path],
  [":authority", "a.example"],
  ...lines,
];

test("queries are rewritten as core does it", async () => {
  const host = await hostWith(
    'policy A:\n  allows\n  on allow\n    set query parameter "plan" to "x y"\n    remove query parameter "a b"\n    remove query parameter "é"\n',
  );
  const piece = fc.constantFrom(
    ...["plan", "pl%61n", "a+b", "a%20b", "é", "%C3%a9", "Plan", "x", "=", "=1", "&", "&&", ";"],
    ...["%", "%2", "%zz", "+", "%26", "%3b", "?", "1"],
  );
  const query = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.option(query), (given) => {
      const { requestHeaders } = host.request({ headers: asked(given === null ? "/p" : `/p?${given}`) });
      const want = rewriteQuery(given ?? "", {
        set: [{ name: "plan", value: "x y" }],
        remove: ["a b", "é"],
      });
      expect(requestHeaders.find(([name]) => name === ":path")).toEqual([":path", `/p?${want}`]);
    }),
    { numRuns: 2_000 },
  );
});

test("a query of which nothing is left takes its question mark with it", async () => {
  const host = await hostWith('policy A:\n  allows\n  on allow\n    remove query parameter "a"\n');
  const { requestHeaders } = host.request({ headers: asked("/p?a=1&%61") });
  expect(requestHeaders.find(([name]) => name === ":path")).toEqual([":path", "/p"]);
});

const RESPONSES = `attributes
  team: string? trusted from header "x-team"

policy A:
  triggers when request.path == "/a"
  allows
  on allow
    set response header "x-team" to "\${team}"
    set response header "cache-control" to "no-store"
`;
const ANSWER: readonly HeaderLine[] = [
  [":status", "200"],
  ["cache-control", "private"],
  ["cache-control", "max-age=5"],
];

test("each response gets what its own request was allowed with, in whatever order they come", async () => {
  const host = await hostWith(RESPONSES);
  const names = ["ann", "bob", "eve"];
  const streams = names.map((name) => {
    const stream = host.openStream();
    expect(stream.requestHeaders(asked("/a", ["x-team", name]), true).kind).toBe("continue");
    return stream;
  });
  for (const i of [1, 2, 0])
    expect(streams[i]!.responseHeaders(ANSWER)).toEqual(
      expect.arrayContaining([
        ["cache-control", "no-store"],
        ["x-team", names[i]!],
      ]),
    );
  for (const stream of streams) stream.finish();
});

test("nothing of another request's, and nothing on a denial", async () => {
  const host = await hostWith(RESPONSES);
  const first = host.request({ headers: asked("/a", ["x-team", "ann"]), response: ANSWER });
  const second = host.request({ headers: asked("/a"), response: ANSWER });
  const third = host.request({ headers: asked("/other", ["x-team", "ann"]), response: ANSWER });
  expect(first.responseHeaders).toContainEqual(["x-team", "ann"]);
  expect(second.responseHeaders).toEqual([
    [":status", "200"],
    ["cache-control", "no-store"],
  ]);
  expect(third).toMatchObject({ kind: "local-response", status: 403, responseHeaders: [] });
});

test("forty thousand responses leave memory as it was", async () => {
  const host = await hostWith(RESPONSES);
  const run = (count: number): number => {
    for (let i = 0; i < count; i++)
      host.request({ headers: asked("/a", ["x-team", `team-${i % 7}`]), response: ANSWER });
    return host.vm().memory.pages;
  };
  const before = run(2_000);
  expect(run(40_000)).toBe(before);
}, 120_000);
