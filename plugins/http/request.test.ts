import { expect, test } from "vitest";
import { compile, createEngine, type NeutralRequest, undelivered } from "../../core/index.ts";
import { PROXIES, type ProxyName } from "./proxies.ts";
import { objections, toNeutral } from "./request.ts";

function neutral(
  proxy: ProxyName,
  headers: readonly (readonly [string, string])[],
  { method = "GET", target = "" } = {},
): NeutralRequest {
  return toNeutral({ proxy, method, target, rawHeaders: headers.flat() }, 1_000);
}

const forwarded = [
  ["Host", "auth.internal"],
  ["X-Forwarded-Method", "DELETE"],
  ["X-Forwarded-Uri", "/orders/7?a=b"],
  ["X-Forwarded-Host", "example.org"],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-For", "203.0.113.9, 192.0.2.1"],
] as const;

test.each(["nginx", "caddy", "traefik"] as const)("%s: facts are in its headers", (proxy) => {
  expect(neutral(proxy, forwarded)).toMatchObject({
    ...{ method: "DELETE", target: "/orders/7?a=b", host: "example.org", scheme: "https", time: 1_000 },
    source: { ip: "192.0.2.1", port: undelivered },
    body: { kind: "undelivered" },
  });
});

test("envoy: the authorization request is the request, but for its body", () => {
  const seen = neutral("envoy", forwarded, { method: "PUT", target: "/a" });
  expect(seen).toMatchObject({ method: "PUT", target: "/a", host: "auth.internal", scheme: "https" });
});

test.each(PROXIES)("%s: what is not said once is not known", (proxy) => {
  const none = neutral(proxy, []);
  expect([none.scheme, none.host, none.source.ip]).toEqual([undelivered, undelivered, undelivered]);
  const twice = neutral(proxy, [...forwarded, ...forwarded]);
  expect([twice.scheme, twice.host]).toEqual([undelivered, undelivered]);
  if (proxy !== "envoy") expect([none.method, none.target, twice.method]).toEqual(Array(3).fill(undelivered));
  const empty = neutral(proxy, [
    ["x-forwarded-proto", ""],
    ["x-forwarded-for", "192.0.2.1, "],
  ]);
  expect([empty.scheme, empty.source.ip]).toEqual([undelivered, undelivered]);
});

test("the last line of addresses is the proxy's", () => {
  const lines = [
    ["x-forwarded-for", "192.0.2.1"],
    ["x-forwarded-for", "192.0.2.2"],
  ] as const;
  expect(neutral("traefik", lines).source.ip).toBe("192.0.2.2");
});

test("every line is kept, as bytes where it is no ASCII; not those of the connection", () => {
  const { headers } = neutral("nginx", [
    ["X-Role", "a"],
    ["x-role", "\u00ff"],
    ["Content-Length", "0"],
    ["Connection", "close"],
  ]);
  expect(headers).toEqual([
    { name: "x-role", value: "a" },
    { name: "x-role", value: Buffer.of(0xff) },
  ]);
});

test.each([
  ['attributes\n  a: int claimed from body "/a"\n\npolicy P:\n  requires a == 1\n', "does not carry it"],
  ["policy P:\n  requires source.port == 1\n", "does not carry it"],
  [
    'attributes\n  a: string? claimed from header "content-length"\n\npolicy P:\n  requires not exists a\n',
    "of its own",
  ],
  ['attributes\n  a: string claimed from header "x-a"\n\npolicy P:\n  requires a == "x"\n', null],
])("bundles that no proxy can serve are refused: %#", (text, why) => {
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((each) => each.message).join());
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  const [objection] = objections(made.engine.program);
  if (why === null) expect(objection).toBe(undefined);
  else expect(objection).toContain(why);
});
