/** What forward-auth and AuthZEN decide is recorded once each, as it is answered. */
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { compile, createEngine, type Judged } from "../../core/index.ts";
import type { HttpHost } from "./metrics.ts";
import { PROXIES } from "./proxies.ts";
import { startHttpServer } from "./server.ts";

const POLICY = `attributes
  role: string? trusted from header "x-role"

policy Admins:
  triggers when exists role and role == "admin"
  allows
  on allow
    set request header "x-checked" to "yes"
`;
const TOKEN = "t".repeat(40);

async function serve(keeps: boolean): Promise<{ url: string; kept: [HttpHost, Judged][] }> {
  const compiled = compile([{ name: "p.ipe", text: POLICY }]);
  if (!compiled.ok) throw new Error("policy");
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  const kept: [HttpHost, Judged][] = [];
  const server = await startHttpServer({
    ...{ host: "127.0.0.1", port: 0, engine: made.engine, logger: pino({ level: "silent" }) },
    authzen: { tokens: [TOKEN], facts: [], url: null },
    recorderFor: (host) => ({
      wantsFacts: true,
      record: (judged) => {
        kept.push([host, judged]);
        return keeps;
      },
    }),
  });
  onTestFinished(() => server.drain());
  return { url: `http://127.0.0.1:${server.port}`, kept };
}

const ask = (url: string, proxy: string, headers: Record<string, string>): Promise<Response> =>
  fetch(`${url}/forward-auth/${proxy}`, {
    headers: { "x-forwarded-method": "GET", "x-forwarded-uri": "/a", ...headers },
  });

function evaluate(url: string, roles: readonly string[]): Promise<Response> {
  const evaluations = roles.map((role) => ({
    context: { http: { method: "GET", path: "/a", headers: { "x-role": role } } },
  }));
  const one = {
    subject: { type: "user", id: "a" },
    resource: { type: "r", id: "1" },
    action: { name: "GET" },
  };
  return fetch(`${url}/access/v1/evaluations`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-00`,
    },
    body: JSON.stringify({ ...one, evaluations }),
  });
}

test("each proxy under its own name, and what was read", async () => {
  const { url, kept } = await serve(true);
  for (const proxy of PROXIES) await ask(url, proxy, { "x-role": "admin" });
  await ask(url, "traefik", { "x-role": "admin", x_checked: "forged" });
  expect(kept.map(([host, { decision, facts }]) => [host, decision?.allow, facts?.[0]?.fact])).toEqual([
    ...["nginx", "caddy", "traefik", "envoy-http"].map((host) => [
      host,
      true,
      { state: "present", value: "admin" },
    ]),
    ["traefik", undefined, { state: "present", value: "admin" }],
  ]);
});

test("an allow that is not recorded is a denial, at every door", async () => {
  const { url, kept } = await serve(false);
  for (const proxy of PROXIES) {
    const answer = await ask(url, proxy, { "x-role": "admin" });
    expect([answer.status, answer.headers.get("x-ipe-reason"), answer.headers.get("x-checked")]).toEqual([
      ...[403, "error", null],
    ]);
  }
  const { evaluations } = (await (await evaluate(url, ["admin"])).json()) as { evaluations: object[] };
  expect(evaluations).toMatchObject([{ decision: false, context: { reason: "error" } }]);
  expect(kept).toHaveLength(PROXIES.length + 1);
});

test("evaluations of one document one by one, under the caller's span", async () => {
  const { url, kept } = await serve(true);
  await evaluate(url, ["admin", "guest"]);
  expect(
    kept.map(([host, { decision, traceParent }]) => [host, decision?.allow, traceParent?.spanId]),
  ).toEqual([
    ["authzen", true, "b".repeat(16)],
    ["authzen", false, "b".repeat(16)],
  ]);
});
