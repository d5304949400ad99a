/** The plugin for Kong in a real nginx with Lua that is set up as Kong's: what reaches the upstream, the client and log plugins. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { engineOf } from "../engine.ts";
import {
  type Arrived,
  type Nginx,
  obtainNginx,
  type Recorder,
  type Settings,
  startNginx,
  startRecorder,
} from "../kong/nginx/index.ts";
import { type Answer, abort, http1, type Part } from "./raw-http.fixture.ts";

const { bundle, engine } = engineOf(`
resource Order: GET "/orders/{order_id}"
resource File: GET "/files/**"
resource Deployment: POST "/deployments"
resource Call: POST "/shop.Orders/Cancel"
resource Account: GET "/account"

attributes
  role: string? claimed from header "x-role"
  environment: string claimed from body "/environment"
  user: string from extension "consumer.username" default "nobody"
  groups: list of string from extension "consumer.groups"
  subject: string from extension "jwt.sub" default "nobody"
  service: string from extension "service.name" default "none"

policy Orders:
  "Admins read orders"
  triggers when resource.type == "Order"
  requires exists role and role == "admin"
  on allow
    set request header "x-checked" to "yes"
  on deny
    status 404
    body "not here"

policy Files:
  triggers when resource.type == "File"
  allows

policy Staging:
  "Deployments go to staging"
  triggers when resource.type == "Deployment"
  requires environment == "staging"

policy Calls:
  triggers when resource.type == "Call"
  requires exists role and role == "admin"

policy Accounts:
  triggers when resource.type == "Account"
  requires user == "alice" and "staff" in groups and subject == "42" and service == "shop"

policy Team:
  "Another policy that may set a header"
  triggers when resource.type == "Account" and user == "bob"
  allows
  on allow
    set request header "x-team" to "core"
`);

const ENFORCE = { bundle: base64(bundle), mode: "enforce", log_decisions: true, body_limit: 262_144 };
const BODY_BUFFER_BYTES = 8 * 1024;
const STAGING = '{"environment":"staging"}';

let nginx: Nginx;
let upstream: Recorder;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipe-kong-"));
  upstream = await startRecorder();
  nginx = await startNginx(await obtainNginx(), {
    doors: [{ name: "plain" }, { name: "http2", http2: true }],
    upstream,
  });
}, 400_000);

afterAll(async () => {
  await nginx?.stop();
  await upstream?.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => given({}));

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** What differs from a plugin that enforces, with nobody authenticated. */
async function given({ config = ENFORCE, ...settings }: Settings): Promise<void> {
  upstream.take();
  await nginx.set({ config, facts: {}, break: [], ...settings });
}

interface Seen {
  readonly status: number | null;
  readonly reason: string | undefined;
  readonly body: string;
  readonly arrived: readonly Arrived[];
}

async function send(...parts: readonly Part[]): Promise<Seen> {
  const [answer] = await http1(nginx.port("plain"), parts);
  return seen(answer);
}

function seen(answer: Answer | undefined): Seen {
  return {
    status: answer?.status ?? null,
    reason: /^x-ipe-reason: (.*)$/im.exec(answer?.head ?? "")?.[1]?.trim(),
    body: answer?.body ?? "",
    arrived: upstream.take(),
  };
}

/** Without a body; lines as they are. */
function get(target: string, ...lines: readonly string[]): string {
  return [`GET ${target} HTTP/1.1`, "host: shop.example", ...lines, "", ""].join("\r\n");
}

function post(body: string, ...lines: readonly string[]): string {
  const type = "content-type: application/json";
  const length = lines.some((line) => /^transfer-encoding/i.test(line))
    ? []
    : [`content-length: ${body.length}`];
  return ["POST /deployments HTTP/1.1", "host: shop.example", type, ...length, ...lines, "", body].join(
    "\r\n",
  );
}

/** Lines of a header at the upstream, in every spelling. */
function lines({ arrived }: Seen, name: string): string[] {
  expect(arrived).toHaveLength(1);
  return arrived[0]!.headers
    .filter(([each]) => each.toLowerCase().replaceAll("_", "-") === name)
    .map(([each, value]) => `${each}: ${value}`);
}

interface Note {
  readonly decision: string;
  readonly policy: string;
  readonly reason: string;
  readonly decision_id: string;
  readonly bundle: string;
  readonly mode: string;
}

async function note(): Promise<Note | undefined> {
  const { record, error } = await nginx.logged();
  expect(error).toBeUndefined();
  return record?.ipe as Note | undefined;
}

/** What nginx logs comes through a pipe, and may come later than the answer. */
async function logHas(text: string): Promise<void> {
  await expect.poll(() => nginx.logs().includes(text), { message: text, timeout: 5_000 }).toBe(true);
}

describe("decisions", () => {
  test("an allow reaches the upstream as it was sent, with the header of the policy", async () => {
    const answer = await send(get("/orders/1?a=%20b&c", "x-role: admin", "X-Other: a", "x-other: b"));
    expect(answer).toMatchObject({ status: 200, body: "ok" });
    expect(answer.arrived[0]!.line).toBe("GET /orders/1?a=%20b&c HTTP/1.1");
    expect(lines(answer, "x-checked")).toEqual(["x-checked: yes"]);
    expect(lines(answer, "x-other")).toEqual(["X-Other: a", "x-other: b"]);
    expect(await note()).toMatchObject({
      decision: "allow",
      policy: "Orders",
      reason: "satisfied",
      bundle: engine.digest,
      mode: "enforce",
    });
  });

  test("a denial is the policy's answer, and nothing reaches the upstream", async () => {
    const answer = await send(get("/orders/1", "x-role: guest"));
    expect(answer).toMatchObject({ status: 404, reason: "Orders", arrived: [] });
    const told = JSON.parse(answer.body) as Record<string, string>;
    expect(told.message).toBe("not here");
    expect(await note()).toMatchObject({
      decision: "deny",
      policy: "Orders",
      reason: "unsatisfied",
      decision_id: told.decision_id,
    });
  });

  test("what no policy is about is denied", async () => {
    expect(await send(get("/other"))).toMatchObject({ status: 403, reason: "default", arrived: [] });
  });

  test("requests on one connection are judged one by one", async () => {
    const requests = [
      get("/orders/1", "x-role: admin"),
      get("/orders/1"),
      get("/orders/2", "x-role: admin", "x-checked: no"),
    ];
    const answers = await http1(nginx.port("plain"), [requests.join("")], 3);
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200]);
    const arrived = upstream.take();
    expect(arrived.map(({ line }) => line)).toEqual(["GET /orders/1 HTTP/1.1", "GET /orders/2 HTTP/1.1"]);
    expect(arrived[1]!.headers.filter(([name]) => name === "x-checked")).toEqual([["x-checked", "yes"]]);
  });

  test("log plugins do not learn the token", async () => {
    await send(get("/orders/1", "authorization: Bearer secret"));
    const { record } = await nginx.logged();
    expect(JSON.stringify(record)).toContain("REDACTED");
    expect(JSON.stringify(record)).not.toContain("secret");
  });

  test("log_decisions is heeded", async () => {
    await given({ config: { ...ENFORCE, log_decisions: false } });
    await send(get("/orders/1"));
    expect(await note()).toBeUndefined();
  });
});

describe("headers", () => {
  test.each(["x-checked", "X-Checked", "X_Checked", "x_checked", "x-CHECKED", "x-team", "X_Team"])(
    "a client's %s does not reach the upstream, however often it is sent",
    async (name) => {
      for (const role of ["admin", undefined]) {
        const target = role === undefined ? "/files/a" : "/orders/1";
        const sent = [
          `${name}: forged`,
          `${name}: again`,
          ...(role === undefined ? [] : [`x-role: ${role}`]),
        ];
        const answer = await send(get(target, ...sent));
        expect(answer.status).toBe(200);
        expect(lines(answer, "x-checked")).toEqual(role === undefined ? [] : ["x-checked: yes"]);
        expect(lines(answer, "x-team")).toEqual([]);
      }
    },
  );

  test("nor do several spellings in one request", async () => {
    const forged = ["X-Checked: a", "x_checked: b", "X_CHECKED: c", "x-checked: d", "x_Team: e", "X-TEAM:"];
    const answer = await send(get("/orders/1", "x-role: admin", ...forged));
    expect(lines(answer, "x-checked")).toEqual(["x-checked: yes"]);
    expect(lines(answer, "x-team")).toEqual([]);
  });

  test("a header that is sent twice is not one value", async () => {
    const twice = ["x-role: admin", "X-Role: guest"];
    for (const sent of [twice, [...twice].reverse()])
      expect(await send(get("/orders/1", ...sent))).toMatchObject({ status: 404, arrived: [] });
  });

  test.each([99, 101, 999, 1001, 1500])("all of %i headers are judged and stripped", async (count) => {
    const many = Array.from({ length: count - 4 }, (_, i) => `a${i}: b`);
    const allowed = await send(get("/orders/1", ...many, "x-checked: no", "x_team: no", "x-role: admin"));
    expect(allowed.status).toBe(200);
    expect(lines(allowed, "x-checked")).toEqual(["x-checked: yes"]);
    expect(lines(allowed, "x-team")).toEqual([]);
    expect(allowed.arrived[0]!.headers.filter(([name]) => /^a\d+$/.test(name))).toHaveLength(count - 4);
    const denied = await send(get("/orders/1", "x-role: admin", ...many, "x-role: guest"));
    expect(denied).toMatchObject({ status: 404, arrived: [] });
  });

  test("headers that nginx has no room for are its own 400", async () => {
    const answer = await send(get("/orders/1", "x-role: admin", `x-long: ${"x".repeat(10_000)}`));
    expect(answer).toMatchObject({ status: 400, reason: undefined, arrived: [] });
  });

  test("two hosts are its own 400", async () => {
    const answer = await send(get("/files/a", "host: other.example"));
    expect(answer).toMatchObject({ status: 400, reason: undefined, arrived: [] });
    // The log phase runs where access never did.
    expect(await note()).toBeUndefined();
  });
});

describe("targets", () => {
  test.each([
    ["/orders/1", 200],
    ["/orders/1/", 200],
    ["/orders/a%20b", 200],
    ["//orders/1", 403],
    ["/orders//1", 403],
    ["/orders/a%2Fb", 403],
    ["/orders/a%2fb", 403],
    ["/orders/%2e%2e/x", 403],
    ["/files/../orders/1", 403],
    ["/files/./a", 403],
    ["/files/..%2forders/1", 403],
    ["/files/a;b=c", 403],
    ["/files/a\\b", 403],
    ["/files/a%00b", 400],
    ["/files/%zz", 400],
    ["/files/a#b", 403],
  ])("%s is judged as it was sent: %i", async (target, status) => {
    const answer = await send(get(target, "x-role: admin"));
    expect(answer.status).toBe(status);
    expect(answer.arrived.map(({ line }) => line)).toEqual(status === 200 ? [`GET ${target} HTTP/1.1`] : []);
  });

  test("of an absolute target the path counts, and the header host", async () => {
    const answer = await send(get("http://elsewhere.example/orders/1", "x-role: admin"));
    expect(answer.status).toBe(200);
    const denied = await send(get("http://elsewhere.example/other", "x-role: admin"));
    expect(denied).toMatchObject({ status: 403, arrived: [] });
  });
});

describe("bodies", () => {
  const padded = (bytes: number): string =>
    `{"environment":"staging","padding":"${"x".repeat(bytes - STAGING.length - 13)}"}`;
  const chunked = (body: string, size: number): string => {
    const chunks = body.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    return `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")}0\r\n\r\n`;
  };

  test.each([STAGING.length + 14, BODY_BUFFER_BYTES, BODY_BUFFER_BYTES + 1, 11_000, 200_000, 262_144])(
    "one of %i bytes is read, and goes on whole",
    async (bytes) => {
      const body = padded(bytes);
      expect(body).toHaveLength(bytes);
      const answer = await send(post(body));
      expect(answer.status).toBe(200);
      expect(answer.arrived[0]!.body).toBe(body);
      const denied = await send(post(body.replace("staging", "product")));
      expect(denied).toMatchObject({ status: 403, reason: "Staging", arrived: [] });
    },
  );

  test.each([262_145, 3_000_000])("one of %i bytes is longer than any policy reads", async (bytes) => {
    expect(await send(post(padded(bytes)))).toMatchObject({ status: 403, reason: "Staging", arrived: [] });
  });

  test("the plugin's own limit is heeded, in memory and in a file", async () => {
    for (const limit of [1_000, 20_000]) {
      await given({ config: { ...ENFORCE, body_limit: limit } });
      expect((await send(post(padded(limit)))).status).toBe(200);
      expect(await send(post(padded(limit + 1)))).toMatchObject({ status: 403, arrived: [] });
      const stream = post(chunked(padded(limit + 1), 500), "transfer-encoding: chunked");
      expect(await send(stream)).toMatchObject({ status: 403, arrived: [] });
    }
  });

  test.each([
    ["in memory", STAGING, 5],
    ["in a file", padded(20_000), 999],
  ])("chunks are put together: %s", async (_, body, size) => {
    const head = post("", "transfer-encoding: chunked");
    const text = chunked(body, size);
    const answer = await send(head, text.slice(0, 30), 50, text.slice(30));
    expect(answer.status).toBe(200);
    expect(answer.arrived[0]!.body).toBe(body);
  });

  test("one that comes late is waited for, while others are judged", async () => {
    const slow = send(post(STAGING).slice(0, -5), 300, STAGING.slice(-5));
    await sleep(100);
    const [quick] = await http1(nginx.port("plain"), [get("/orders/1")]);
    expect(quick?.status).toBe(404);
    expect((await slow).status).toBe(200);
  });

  test("a client that wants to be asked for it is", async () => {
    const head = post("", "expect: 100-continue").replace("length: 0", `length: ${STAGING.length}`);
    const answer = await send(head, 100, STAGING);
    expect(answer.status).toBe(200);
    expect(answer.arrived[0]!.body).toBe(STAGING);
  });

  test.each([
    ["with a length", [post(STAGING).slice(0, -5), 100]],
    ["in a file", [post(padded(20_000)).slice(0, -5), 100]],
    ["in chunks", [post(`5\r\n${STAGING.slice(0, 5)}\r\n`, "transfer-encoding: chunked"), 100]],
  ] as const)("what a client leaves unfinished never reaches the upstream: %s", async (_, parts) => {
    await abort(nginx.port("plain"), parts);
    await nginx.logged();
    expect(upstream.take()).toEqual([]);
    expect((await send(post(STAGING))).status).toBe(200);
  });

  test.each([
    [
      "both a length and chunks",
      post(chunked(STAGING, 5), "transfer-encoding: chunked", "content-length: 3"),
    ],
    ["two lengths", post(STAGING, `content-length: ${STAGING.length + 1}`)],
    ["a length that is none", post(STAGING).replace(/length: \d+/, "length: +25")],
    ["chunks that are none", post("zz\r\n", "transfer-encoding: chunked")],
  ])("%s is nginx' own 400", async (_, request) => {
    expect(await send(request)).toMatchObject({ status: 400, reason: undefined, arrived: [] });
  });

  test("none where one is read is denied", async () => {
    expect(await send(post(""))).toMatchObject({ status: 403, reason: "Staging", arrived: [] });
  });

  test("none is read where no fact of it is asked for by the request's policies' bundle", async () => {
    const other = engineOf('policy All:\n  requires request.method != "DELETE"\n');
    await given({ config: { ...ENFORCE, bundle: base64(other.bundle) } });
    const answer = await send(post(padded(100_000)));
    expect(answer.status).toBe(200);
    expect(answer.arrived[0]!.body).toHaveLength(100_000);
  });
});

describe("what Kong knows", () => {
  const token = (claims: object): string =>
    `${base64url({ alg: "HS256" })}.${base64url(claims)}.c2lnbmF0dXJl`;
  const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const alice = {
    consumer: { id: "c1", username: "alice", custom_id: null },
    groups: ["staff", "ops"],
    service: { name: "shop" },
    shared: { authenticated_jwt_token: token({ sub: "42" }) },
  };

  test("consumer, groups, service and claims", async () => {
    await given({ facts: alice });
    expect((await send(get("/account"))).status).toBe(200);
  });

  test.each([
    ["another consumer", { ...alice, consumer: { id: "c2", username: "eve" } }],
    ["other groups", { ...alice, groups: ["ops"] }],
    ["a group that holds a comma", { ...alice, groups: ["ops,staff"] }],
    ["another subject", { ...alice, shared: { authenticated_jwt_token: token({ sub: "41" }) } }],
    ["a token that is none", { ...alice, shared: { authenticated_jwt_token: "a.b" } }],
    ["another service", { ...alice, service: { name: "bank" } }],
    ["nothing", {}],
  ])("%s: denied", async (_, facts) => {
    await given({ facts });
    expect(await send(get("/account"))).toMatchObject({ status: 403, arrived: [] });
  });

  test("what clients say of it is not believed", async () => {
    const said = ["x-consumer-username: alice", "x-consumer-groups: staff", "x-credential-identifier: 1"];
    expect(await send(get("/account", ...said))).toMatchObject({ status: 403, arrived: [] });
  });
});

describe("failures", () => {
  test.each([
    ["is no bundle", { bundle: base64(Buffer.from("no bundle")) }],
    ["is no base64", { bundle: "***" }],
    ["is cut off", { bundle: base64(bundle.subarray(0, bundle.length - 1)) }],
    ["has a flipped bit", { bundle: base64(bundle.map((byte, i) => (i === 200 ? byte ^ 1 : byte))) }],
    ["is not there", { bundle: undefined, bundle_path: "/nowhere/policy.ipeb" }],
    ["is not named", { bundle: undefined }],
  ])("a bundle that %s: 500, and nothing reaches the upstream", async (_, change) => {
    for (const mode of ["enforce", "permissive"]) {
      await given({ config: { ...ENFORCE, ...change, mode } });
      const answer = await send(get("/orders/1", "x-role: admin"));
      expect(answer).toMatchObject({ status: 500, reason: "error", arrived: [] });
      expect(await note()).toMatchObject({ decision: "deny", reason: "error" });
    }
    await logHas("no decision can be made");
  });

  test("a bundle is read from its path, and another one with another configuration", async () => {
    const path = join(folder, "policy.ipeb");
    await writeFile(path, bundle);
    const config = { ...ENFORCE, bundle: undefined, bundle_path: path };
    await given({ config });
    expect((await send(get("/orders/1", "x-role: admin"))).status).toBe(200);
    await writeFile(path, engineOf('policy None:\n  requires request.method == "PUT"\n').bundle);
    expect((await send(get("/orders/1", "x-role: admin"))).status).toBe(200);
    await given({ config });
    expect(await send(get("/orders/1", "x-role: admin"))).toMatchObject({ status: 403, reason: "None" });
  });

  test.each(["request.get_method"])(
    "%s fails while facts are gathered: 500, and nothing passes",
    async (name) => {
      await given({ break: [name] });
      const answer = await send(get("/orders/1", "x-role: admin"));
      expect(answer).toMatchObject({ status: 500, reason: "error", arrived: [] });
      expect(answer.body).not.toContain("broken for a test");
      await logHas(`broken for a test: ${name}`);
    },
  );

  test.each([
    ["service.request.set_header", get("/orders/1", "x-role: admin")],
    ["service.request.clear_header", get("/orders/1", "x-role: admin", "x-checked: no")],
    ["response.exit", get("/orders/1")],
  ])("%s fails: Kong's own 500, and nothing passes", async (name, request) => {
    await given({ break: [name] });
    const answer = await send(request);
    expect(answer).toMatchObject({ status: 500, reason: undefined, arrived: [] });
    expect(JSON.parse(answer.body)).toEqual({ message: "An unexpected error occurred" });
  });

  test("log plugins that cannot be told do not change the answer", async () => {
    await given({ break: ["log.set_serialize_value"] });
    expect(await send(get("/orders/1"))).toMatchObject({ status: 404, arrived: [] });
    expect((await nginx.logged()).error).toContain("broken for a test");
  });
});

describe("permissive", () => {
  test("every request goes on, without the client's copies and without headers of the policy", async () => {
    await given({ config: { ...ENFORCE, mode: "permissive" } });
    for (const [role, decision] of [
      ["admin", "allow"],
      ["guest", "deny"],
    ]) {
      const answer = await send(get("/orders/1", `x-role: ${role}`, "X_Checked: forged"));
      expect(answer.status).toBe(200);
      expect(lines(answer, "x-checked")).toEqual([]);
      expect(await note()).toMatchObject({ decision, mode: "permissive" });
    }
  });

  test("also where deciding fails", async () => {
    await given({ config: { ...ENFORCE, mode: "permissive" }, break: ["request.get_method"] });
    const answer = await send(get("/orders/1", "x-role: admin", "x_team: forged"));
    expect(answer.status).toBe(200);
    expect(lines(answer, "x-team")).toEqual([]);
    expect(await note()).toMatchObject({ decision: "deny", reason: "error" });
  });
});

interface Http2Answer {
  readonly headers: IncomingHttpHeaders & { readonly ":status"?: number };
  readonly body: string;
}

async function http2(headers: Readonly<Record<string, string>>, body?: string): Promise<Http2Answer> {
  const session = connect(`http://127.0.0.1:${nginx.port("http2")}`);
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request(
        { ":authority": "shop.example", ...headers },
        { endStream: body === undefined },
      );
      let received: IncomingHttpHeaders = {};
      let text = "";
      stream.on("error", reject);
      stream.on("response", (each) => {
        received = each;
      });
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      stream.on("end", () => resolve({ headers: received, body: text }));
      if (body !== undefined) stream.end(body);
    });
  } finally {
    session.destroy();
  }
}

describe("HTTP/2", () => {
  test("requests are judged as those of HTTP/1.1", async () => {
    const allowed = await http2({
      ":path": "/orders/1",
      "x-role": "admin",
      "x-checked": "no",
      x_checked: "no",
    });
    expect(allowed.headers[":status"]).toBe(200);
    expect(lines(seen(undefined), "x-checked")).toEqual(["x-checked: yes"]);
    const denied = await http2({ ":path": "/orders/1" });
    expect(denied.headers).toMatchObject({ ":status": 404, "x-ipe-reason": "Orders" });
    expect(upstream.take()).toEqual([]);
  });

  test.each([
    ["with a length", { "content-length": String(STAGING.length) }],
    ["without one", {}],
  ])("a body %s", async (_, length) => {
    const head = {
      ":method": "POST",
      ":path": "/deployments",
      "content-type": "application/json",
      ...length,
    };
    const { headers } = await http2(head, STAGING);
    expect(headers[":status"]).toBe(200);
    expect(upstream.take()[0]!.body).toBe(STAGING);
    const denied = await http2(head, STAGING.replace("staging", "product"));
    expect(denied.headers[":status"]).toBe(403);
    expect(upstream.take()).toEqual([]);
  });

  test("a denial of gRPC is a status, with the message in a header", async () => {
    const call = {
      ":method": "POST",
      ":path": "/shop.Orders/Cancel",
      "content-type": "application/grpc",
      te: "trailers",
    };
    const { headers, body } = await http2(call, "");
    expect(headers).toMatchObject({ ":status": 403, "grpc-status": "7", "x-ipe-reason": "Calls" });
    expect(JSON.parse(String(headers["grpc-message"]))).toMatchObject({ message: "Calls" });
    expect(body).toBe("");
    expect(upstream.take()).toEqual([]);
  });
});
