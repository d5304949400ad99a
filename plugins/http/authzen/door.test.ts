import { request as httpRequest } from "node:http";
import { pino } from "pino";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Decision, type Engine, NO_EFFECTS } from "../../../core/index.ts";
import { engineOf } from "../../../test/engine.ts";
import type { HttpDecider } from "../judge.ts";
import { type RunningHttpServer, startHttpServer } from "../server.ts";
import { type AuthzenConfig, parseFact } from "./config.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

const SHOP = `enum Risk: low < high

type Approver:
  name: string
  level: int

resource Order: GET "/orders/{id}"

attributes
  tenant: string trusted from header "x-tenant"
  risk: Risk claimed from body "/risk"
  department: string from extension "department" default "none"
  approvers: list of approver: Approver trusted from body "/approvers"

policy ReadOrders:
  "Known tenants may read orders"
  triggers when resource.type == "Order"
  requires tenant in ["acme", "globex"]
  on allow
    set request header "x-tenant-checked" to "yes"
  on deny
    status 404
    body "there is no such order"

policy LowRisk:
  triggers when request.method == "POST" and request.path == "/deployments"
  requires risk == "low" and request.size < 100

policy Sales:
  triggers when request.method == "can_sell"
  requires department == "sales" and count(approvers where approver.level > 2) >= 1 and source.ip in "10.0.0.0/8"
`;

interface Served {
  readonly server: RunningHttpServer;
  readonly url: string;
  post(path: string, document: unknown, headers?: Record<string, string>): Promise<Response>;
  one(document: unknown): Promise<Record<string, unknown>>;
  counts(): readonly (readonly [string, boolean | null])[];
}

async function serve(
  facts: readonly string[] = [],
  engine: HttpDecider = engineOf(SHOP).engine,
  more: Partial<AuthzenConfig> = {},
): Promise<Served> {
  const counted: [string, boolean | null][] = [];
  const server = await startHttpServer({
    ...{ host: "127.0.0.1", port: 0, engine, logger: pino({ level: "silent" }) },
    authzen: { tokens: [TOKEN], facts: facts.map(parseFact), url: null, ...more },
    metrics: {
      ...{ text: async () => "", contentType: "text/plain" },
      counterFor: (host) => ({ decided: (decision) => counted.push([host, decision?.allow ?? null]) }),
    },
  });
  onTestFinished(() => server.drain());
  const url = `http://127.0.0.1:${server.port}`;
  const post: Served["post"] = (path, document, headers) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
      body: typeof document === "string" ? document : JSON.stringify(document),
    });
  const one = async (document: unknown): Promise<Record<string, unknown>> => {
    const response = await post("/access/v1/evaluation", document);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  return { server, url, post, one, counts: () => counted };
}

const PARTS = {
  subject: { type: "user", id: "alice" },
  action: { name: "GET" },
  resource: { type: "order", id: "7" },
};

const http = (more: Record<string, unknown> = {}): object => ({
  ...PARTS,
  context: { http: { path: "/orders/7", host: "shop", headers: { "x-tenant": "acme" }, ...more } },
});

describe("one evaluation", () => {
  test("allow: reason, id, and the headers that the caller has to set and to remove", async () => {
    const { one, counts } = await serve();
    expect(await one(http())).toEqual({
      decision: true,
      context: {
        decision_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        reason: "ReadOrders",
        request_headers: { set: { "x-tenant-checked": "yes" }, remove: [] },
      },
    });
    const copies = { "x-tenant": "acme", "X-Tenant-Checked": "forged", X_Tenant_Checked: ["a", "b"] };
    expect(await one(http({ headers: copies }))).toMatchObject({
      context: { request_headers: { set: { "x-tenant-checked": "yes" }, remove: ["x_tenant_checked"] } },
    });
    expect(counts()).toEqual([
      ["authzen", true],
      ["authzen", true],
    ]);
  });

  test("deny: a reason and an id, and nothing of why", async () => {
    const { one } = await serve();
    const denied = await one(http({ headers: { "x-tenant": "initech" } }));
    expect(denied).toEqual({
      decision: false,
      context: { decision_id: expect.any(String), reason: "ReadOrders" },
    });
  });

  test("the method is that of the request, else the action's name", async () => {
    const { one } = await serve();
    expect(await one(http({ method: "PUT" }))).toMatchObject({ decision: false });
    expect(await one({ ...http(), action: { name: "PUT" } })).toMatchObject({ decision: false });
    expect(await one({ ...http({ method: "GET" }), action: { name: "view" } })).toMatchObject({
      decision: true,
    });
  });

  test.each([
    [{ risk: "low" }, {}, true],
    [{ risk: "high" }, {}, false],
    ['{"risk":"low"}', { "content-type": "application/json" }, true],
    ['{"risk":"low"}', {}, false],
    [{ risk: "low" }, { "content-encoding": "gzip" }, false],
    [{ risk: "low", more: "a".repeat(100) }, {}, false],
    ["", {}, false],
  ])("a body %j with headers %j", async (body, headers, want) => {
    const { one } = await serve();
    const document = { ...http({ path: "/deployments", body, headers }), action: { name: "POST" } };
    expect(await one(document)).toMatchObject({ decision: want });
  });

  test("a body that says one thing twice is none, though the document around it is one", async () => {
    const { one } = await serve();
    const text = JSON.stringify({
      ...http({ path: "/deployments", body: { risk: "low" }, headers: {} }),
      action: { name: "POST" },
    });
    expect(await one(text)).toMatchObject({ decision: true });
    expect(await one(text.replace('{"risk":"low"}', '{"risk":"low","risk":"high"}'))).toMatchObject({
      decision: false,
    });
    expect(await one(text.replace('{"risk":"low"}', '{"risk":"low","Risk":"high"}'))).toMatchObject({
      decision: false,
    });
  });
});

describe("what nobody said", () => {
  const guarded = `default allow

attributes
  blocked: string? trusted from header "x-blocked"

guard Blocked:
  triggers when exists blocked
  denies

guard Proxied:
  triggers when exists source.principal and source.principal == "spiffe://bad"
  denies
`;

  test("no header and no principal are proved missing by silence", async () => {
    const said = ["source.principal=/context/principal"];
    const { one } = await serve(said, engineOf(guarded).engine);
    const decide = async (context: object): Promise<unknown> =>
      (await one({ ...PARTS, context }))["decision"];
    const whole = { method: "GET", path: "/a", host: "h", headers: {} };
    expect(await decide({ http: whole, principal: null })).toBe(true);
    expect(await decide({ http: whole, principal: "spiffe://good" })).toBe(true);
    expect(await decide({ http: whole, principal: "spiffe://bad" })).toBe(false);
    expect(await decide({ http: whole })).toBe(false);
    expect(await decide({ http: whole, principal: ["spiffe://good"] })).toBe(false);
    expect(await decide({ http: { ...whole, headers: undefined }, principal: null })).toBe(false);
    expect(await decide({ http: { ...whole, headers: { "x-blocked": "1" } }, principal: null })).toBe(false);
    for (const name of ["path", "host"])
      expect(await decide({ http: { ...whole, [name]: undefined }, principal: null })).toBe(false);
    expect(await decide({ principal: null })).toBe(false);
  });

  test("`default allow` answers no question that names no request", async () => {
    const { one } = await serve([], engineOf("default allow\n").engine);
    expect(await one(PARTS)).toMatchObject({ decision: false, context: { reason: "default" } });
    expect(await one(http())).toMatchObject({ decision: true });
  });
});

describe("facts that callers may state", () => {
  const FACTS = [
    "department=/subject/properties/department",
    "approvers=/context/approvers",
    "source.ip=/context/ip",
  ];
  const sale = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
    ...{ subject: { type: "user", id: "a", properties: { department: "sales" } } },
    ...{ action: { name: "can_sell" }, resource: { type: "order", id: "7" } },
    context: {
      ...{ approvers: [{ name: "b", level: 3 }], ip: "10.1.2.3" },
      http: { path: "/sales", host: "shop" },
      ...more,
    },
  });

  test("are believed where the configuration says so", async () => {
    const { one } = await serve(FACTS);
    expect(await one(sale())).toMatchObject({ decision: true, context: { reason: "Sales" } });
  });

  test.each(FACTS)("are not without: %s", async (left) => {
    const { one } = await serve(FACTS.filter((fact) => fact !== left));
    expect(await one(sale())).toMatchObject({ decision: false, context: { reason: "Sales" } });
  });

  test("no other member is a way in", async () => {
    const { one } = await serve();
    const everywhere = {
      ...{ ip: "10.1.2.3", "source.ip": "10.1.2.3", source: { ip: "10.1.2.3" }, department: "sales" },
      ...{ extensions: { department: "sales" }, attributes: { department: "sales" } },
    };
    const document = sale(everywhere);
    expect(await one({ ...document, ...everywhere })).toMatchObject({ decision: false });
    const { post } = await serve();
    const inHttp = await post(
      "/access/v1/evaluation",
      sale({ http: { path: "/sales", source: { ip: "10.1.2.3" } } }),
    );
    expect([inHttp.status, await inHttp.text()]).toEqual([
      400,
      expect.stringContaining("context.http.source"),
    ]);
  });

  test.each([
    ["coerced", { approvers: [{ name: "b", level: "3" }] }],
    ["spelled with a fraction", '[{"name":"b","level":3.0}]'],
    ["of another type", { approvers: { name: "b", level: 3 } }],
    ["missing", { approvers: undefined }],
    ["null", { approvers: null }],
    ["an address that is none", { ip: "10.1.2" }],
    ["a number", { ip: 10 }],
  ])("what is %s is not taken for what it could mean", async (_, more) => {
    const { one } = await serve(FACTS);
    const document =
      typeof more === "string" ? JSON.stringify(sale()).replace(/\[\{.*?\}\]/, more) : sale(more);
    expect(await one(document)).toMatchObject({ decision: false });
  });
});

describe("several evaluations", () => {
  const yes = { context: { http: { path: "/orders/7", headers: { "x-tenant": "acme" } } } };
  const no = { context: { http: { path: "/orders/7", headers: {} } } };
  const decisions = async (response: Response): Promise<boolean[]> => {
    const { evaluations } = (await response.json()) as { evaluations: { decision: boolean }[] };
    return evaluations.map(({ decision }) => decision);
  };

  test.each([
    [undefined, [true, false, true, false]],
    ["execute_all", [true, false, true, false]],
    ["deny_on_first_deny", [true, false]],
    ["permit_on_first_permit", [true]],
  ])("%s", async (semantic, want) => {
    const { post } = await serve();
    const options = semantic === undefined ? undefined : { evaluations_semantic: semantic };
    const response = await post("/access/v1/evaluations", {
      ...PARTS,
      options,
      evaluations: [yes, no, yes, no],
    });
    expect(await decisions(response)).toEqual(want);
  });

  test("defaults are replaced by what an evaluation has, whole", async () => {
    const { post } = await serve();
    const evaluations = [{}, no, { action: { name: "PUT" } }, { resource: { type: "order", id: "8" } }];
    const response = await post("/access/v1/evaluations", { ...PARTS, ...yes, evaluations });
    expect(await decisions(response)).toEqual([true, false, false, true]);
  });

  test("one that is none is denied with what is wrong, and spoils no other", async () => {
    const { post, counts } = await serve();
    const evaluations = [yes, { subject: { type: "user" }, ...yes }, 7, { ...yes, action: null }, yes];
    const response = await post("/access/v1/evaluations", { ...PARTS, evaluations });
    const answers = ((await response.json()) as { evaluations: Record<string, unknown>[] }).evaluations;
    expect(answers.map(({ decision }) => decision)).toEqual([true, false, false, false, true]);
    expect(answers[1]).toEqual({
      decision: false,
      context: {
        reason: "error",
        error: { status: 400, message: "`evaluations[1].subject` has no `id`" },
      },
    });
    expect(answers[2]).toMatchObject({
      context: { error: { message: "`evaluations[2]` must be an object" } },
    });
    expect(counts()).toHaveLength(2);
  });

  test("a wrong one is a denial for the one that stops at the first", async () => {
    const { post } = await serve();
    const options = { evaluations_semantic: "deny_on_first_deny" };
    const response = await post("/access/v1/evaluations", { ...PARTS, options, evaluations: [7, yes] });
    expect(await decisions(response)).toEqual([false]);
  });

  test("none at all: the document is one itself", async () => {
    const { post } = await serve();
    for (const evaluations of [undefined, []]) {
      const response = await post("/access/v1/evaluations", { ...http(), evaluations });
      expect(await response.json()).toMatchObject({ decision: true, context: { reason: "ReadOrders" } });
    }
  });

  test("a bundle that comes meanwhile is for the next document", async () => {
    const first = engineOf(SHOP).engine;
    const slow = (engine: Engine): HttpDecider => ({
      ...{ digest: engine.digest, headerNames: engine.headerNames, program: engine.program },
      decide(request) {
        const until = performance.now() + 10;
        while (performance.now() < until);
        served.server.swap(
          engineOf('policy None:\n  triggers when request.path == "/none"\n  allows\n').engine,
        );
        return engine.decide(request);
      },
    });
    const served = await serve([], slow(first));
    const response = await served.post("/access/v1/evaluations", { ...PARTS, evaluations: [yes, yes, yes] });
    expect(await decisions(response)).toEqual([true, true, true]);
    expect(
      await decisions(await served.post("/access/v1/evaluations", { ...PARTS, evaluations: [yes] })),
    ).toEqual([false]);
  });
});

describe("who may ask, and what", () => {
  test.each([
    ["no token", { authorization: "" }],
    ["another one", { authorization: "Bearer 0123456789abcdef0123456789abcdee" }],
    ["another scheme", { authorization: `Basic ${TOKEN}` }],
  ])("%s: 401, and no decision", async (_, headers) => {
    const { post, counts } = await serve();
    for (const path of ["/access/v1/evaluation", "/access/v1/evaluations"]) {
      const response = await post(path, http(), headers);
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
    expect(counts()).toEqual([]);
  });

  test("two tokens are none", async () => {
    const { server } = await serve();
    const status = await new Promise((resolve, reject) => {
      const sent = httpRequest({
        ...{ host: "127.0.0.1", port: server.port, path: "/access/v1/evaluation", method: "POST" },
        headers: [
          "Host",
          "pdp",
          "Authorization",
          `Bearer ${TOKEN}`,
          "Authorization",
          "Bearer x",
          "Content-Type",
          "application/json",
        ],
      });
      sent.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
      sent.end(JSON.stringify(http()));
    });
    expect(status).toBe(401);
  });

  test.each([
    ["no JSON", "{", 400, "not valid JSON at line 1, column 2"],
    ["a name twice", '{"subject":{},"subject":{}}', 400, "`subject` is given twice"],
    ["a list", "[]", 400, "must be an object"],
    ["nothing", "{}", 400, "`subject` is missing; `action` is missing; `resource` is missing"],
    [
      "an id that is a number",
      { ...PARTS, subject: { type: "user", id: 7 } },
      400,
      "`subject.id` must be text",
    ],
    [
      "properties that are text",
      { ...PARTS, resource: { ...PARTS.resource, properties: "" } },
      400,
      "must be an object",
    ],
    ["an unknown member of the request", http({ metod: "GET" }), 400, "did you mean `context.http.method`?"],
    ["a header that is none", http({ headers: { "a b": "c" } }), 400, "is no header name"],
    ["a pseudo header", http({ headers: { ":path": "/" } }), 400, "give `context.http.method`"],
    ["too long", { ...http(), more: "a".repeat(1024 * 1024) }, 413, "longer than 1 MiB"],
  ])("%s", async (_, document, status, problem) => {
    const { post, counts } = await serve();
    const response = await post("/access/v1/evaluation", document);
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(problem)]);
    expect(counts()).toEqual([]);
  });

  test.each([
    [{ evaluations: {} }, "`evaluations` must be a list"],
    [{ evaluations: Array.from({ length: 101 }, () => ({})) }, "has 101 elements, and may have 100"],
    [{ options: { evaluations_semantic: "any" } }, "is none of execute_all"],
    [{ options: [] }, "`options` must be an object"],
  ])("%j", async (more, problem) => {
    const { post } = await serve();
    const response = await post("/access/v1/evaluations", { ...http(), ...more });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(problem)]);
  });

  test("only POST, only JSON", async () => {
    const { url, post } = await serve();
    const got = await fetch(`${url}/access/v1/evaluation`);
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
    const form = await post("/access/v1/evaluation", http(), { "content-type": "text/plain" });
    expect(form.status).toBe(415);
    const charset = { "content-type": "application/json; charset=utf-8" };
    expect((await post("/access/v1/evaluation", http(), charset)).status).toBe(200);
  });

  test("the caller's X-Request-ID comes back, with every answer", async () => {
    const { post } = await serve();
    const id = async (document: unknown, sent: string): Promise<string | null> =>
      (await post("/access/v1/evaluation", document, { "x-request-id": sent })).headers.get("x-request-id");
    expect(await id(http(), "bfe9eb29-ab87")).toBe("bfe9eb29-ab87");
    expect(await id("{", "bfe9eb29-ab87")).toBe("bfe9eb29-ab87");
    expect(await id(http(), "a".repeat(257))).toBeNull();
    expect(await id(http(), "two words")).toBeNull();
  });

  test("the metadata document, for everybody", async () => {
    const { url } = await serve();
    const read = async (at: string): Promise<unknown> =>
      (await fetch(`${at}/.well-known/authzen-configuration`, { headers: { host: "evil.example" } })).json();
    expect(await read(url)).toEqual({
      policy_decision_point: url,
      access_evaluation_endpoint: `${url}/access/v1/evaluation`,
      access_evaluations_endpoint: `${url}/access/v1/evaluations`,
    });
    const named = await serve([], undefined, { url: "https://pdp.example.org" });
    expect(await read(named.url)).toMatchObject({ policy_decision_point: "https://pdp.example.org" });
  });
});

test("a decision that fails, or cannot be carried out, is a denial that says nothing of why", async () => {
  const { engine } = engineOf(SHOP);
  const failing = (decide: HttpDecider["decide"]): HttpDecider => ({
    ...{ digest: engine.digest, headerNames: engine.headerNames, program: engine.program },
    decide,
  });
  const broken: Decision = {
    ...{ allow: true, reason: { policy: "P", outcome: "satisfied" }, denial: null },
    setRequestHeaders: [{ name: "x-tenant-checked", value: "a\r\nb" }],
    removeRequestHeaders: [],
    limits: [],
    ...NO_EFFECTS,
  };
  const cases = [
    () => {
      throw new Error("secret");
    },
    () => broken,
  ];
  for (const decide of cases) {
    const { one, counts } = await serve([], failing(decide));
    expect(await one(http())).toEqual({
      decision: false,
      context: { decision_id: expect.any(String), reason: "error" },
    });
    expect(counts()).toEqual([["authzen", null]]);
  }
});

test("a bundle that proxies cannot use: they are denied, callers are served", async () => {
  const { url, one, server } = await serve();
  const headers = { "x-forwarded-method": "GET", "x-forwarded-uri": "/orders/7", "x-tenant": "acme" };
  const proxied = await fetch(`${url}/forward-auth/nginx`, { headers });
  expect([proxied.status, proxied.headers.get("x-ipe-reason")]).toEqual([403, "error"]);
  expect(await one(http())).toMatchObject({ decision: true });
  server.swap(engineOf('policy All:\n  requires request.path == "/orders/7"\n').engine);
  expect((await fetch(`${url}/forward-auth/nginx`, { headers })).status).toBe(200);
});

test("a bundle without a fact that is configured is refused, and the one before stays", async () => {
  const { server, one } = await serve(["department=/subject/properties/department"]);
  expect(() => server.swap(engineOf("default allow\n").engine)).toThrow("`department` is not declared");
  expect(await one(http())).toMatchObject({ decision: true });
});

test("without configuration nothing of it is there", async () => {
  const server = await startHttpServer({
    ...{ host: "127.0.0.1", port: 0, logger: pino({ level: "silent" }) },
    engine: engineOf('policy All:\n  requires request.method == "GET"\n').engine,
  });
  onTestFinished(() => server.drain());
  for (const path of [
    "/access/v1/evaluation",
    "/access/v1/evaluations",
    "/.well-known/authzen-configuration",
  ]) {
    const sent = { method: "POST", headers: { authorization: `Bearer ${TOKEN}` }, body: "{}" };
    expect((await fetch(`http://127.0.0.1:${server.port}${path}`, sent)).status).toBe(404);
  }
});
