/**
 * What goes wrong around the plugin in Lua. In every case the client gets a denial or an error, and nothing reaches the upstream;
 * docs/kong.md names these tests.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Judged, type LuaOutcome, startLuaWorker } from "./lua/worker.ts";
import { ADMINS, AMOUNTS, bundleOf, OTHERS, PROTO, requestOf, SETS, VALID, withHeaders } from "./setup.ts";

const BODY_LIMIT = 262_144;
const UNIVERSAL = "an error that nobody was told of";

const worker = startLuaWorker();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipe-kong-"));
});
afterAll(() => {
  worker.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Reads every fact that Kong can fail to tell, and sets a header. */
const EVERYTHING = bundleOf(`attributes
  role: string? claimed from header "x-role"
  amount: int? claimed from body "/amount"
  consumer: string? from extension "consumer.username"
  groups: list of string? from extension "consumer.groups"
  credential: string? from extension "credential.id"
  route: string? from extension "route.name"
  service: string? from extension "service.name"
  subject: string? from extension "jwt.sub"

policy Everything:
  requires role == "admin" or exists amount or exists consumer or count(groups) > 99 or exists credential
    or exists route or exists service or exists subject or request.scheme == "x" or request.protocol == "x"
    or request.time > "2000-01-01T00:00:00Z" or source.port == 1 or source.ip in "10.0.0.0/8"
    or destination.port == 1 or destination.ip in "10.0.0.0/8" or connection.mtls or connection.tls_version == "x"
    or connection.requested_server_name == "x"
  on allow
    set request header "x-checked" to "yes"
`);

/** Allows what has no amount, and a small one. One that is unknown is neither. */
const OPTIONAL_AMOUNTS = bundleOf(`attributes
  amount: int? claimed from body "/amount"

policy Amounts:
  requires not exists amount or amount < 100
`);

const verified = { request: requestOf({ verified: { consumer: { id: "1" }, aclGroups: ["a"] } }) };

function use(config: object, unchecked?: boolean): void {
  expect(worker.configure(config, unchecked)).toBe(null);
}

function ask(judged: Partial<Judged> = {}): LuaOutcome {
  return worker.request({ request: requestOf(), ...judged });
}

function upstream({ upstream: lines }: LuaOutcome): string[] {
  return lines.map(([name, value]) => `${name}: ${value}`);
}

/** The answer where no decision could be made, and nothing in it that an attacker could use. */
function expectFailure(outcome: LuaOutcome): void {
  const { passes, status, headers, body, record } = outcome;
  expect({ passes, status, reason: headers["x-ipe-reason"] }).toEqual({
    passes: false,
    status: 500,
    reason: "error",
  });
  expect(JSON.parse(body)).toEqual({ message: "error", decision_id: headers["x-ipe-decision"] });
  expect(record).toMatchObject({ decision: "deny", reason: "error", policy: "" });
  expect(JSON.stringify([headers, body, record])).not.toContain(UNIVERSAL);
}

test("stands where the documentation says, and loads with the rest of Kong's plugins", () => {
  expect(worker.describe()).toEqual({
    priority: 925,
    version: "0.1.0",
    phases: ["access", "configure", "header_filter", "log"],
  });
});

test("the rockspec names every module", () => {
  const root = new URL("../../plugins/kong/lua/", import.meta.url);
  const files = readdirSync(new URL("kong/plugins/ipe", root), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".lua"))
    .map((path) => `kong/plugins/ipe/${path}`)
    .sort();
  const text = readFileSync(new URL("kong-plugin-ipe-0.1.0-1.rockspec", root), "utf8");
  const modules = [...text.matchAll(/\["(.*?)"\] = "(.*?)"/g)].map(([, name, path]) => [name, path]);
  expect(modules).toEqual(files.map((path) => [path.slice(0, -4).replaceAll("/", "."), path]));
});

describe("decisions", () => {
  beforeEach(() => use({ bundle: ADMINS }));

  test("allows and denies, when all is well", () => {
    const allowed = ask();
    expect(allowed.passes).toBe(true);
    expect(upstream(allowed)).toEqual(["host: example.org", "x-role: admin", "x-checked: yes"]);
    expect(allowed.record).toMatchObject({ decision: "allow", policy: "Admins", mode: "enforce" });
    const denied = ask({ request: withHeaders(["x-role", "guest"]) });
    expect([denied.passes, denied.status, denied.headers["content-type"]]).toEqual([
      false,
      403,
      "application/json",
    ]);
    expect(JSON.parse(denied.body)).toEqual({
      message: "default",
      decision_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(denied.record).toEqual({
      ...{ decision: "deny", policy: "", reason: "default", mode: "enforce" },
      decision_id: denied.headers["x-ipe-decision"],
      bundle: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
  });

  test("client copies of a settable header never pass, in any spelling", () => {
    const forged: [string, string][] = [
      ["X_Checked", "forged"],
      ["x-checked", "a"],
      ["X-CHECKED", "b"],
      ["x-checkedx", "kept"],
    ];
    const allowed = ask({ request: withHeaders(["x-role", "admin"], ...forged) });
    expect(upstream(allowed).filter((line) => line.includes("checked"))).toEqual([
      "x-checkedx: kept",
      "x-checked: yes",
    ]);
    use({ bundle: ADMINS, mode: "permissive" });
    const watched = ask({ request: withHeaders(["x-role", "guest"], ...forged) });
    expect(upstream(watched).filter((line) => line.includes("checked"))).toEqual(["x-checkedx: kept"]);
  });

  test("permissive decides and logs, and lets pass; nothing is set", () => {
    use({ bundle: ADMINS, mode: "permissive" });
    const denied = ask({ request: withHeaders(["x-role", "guest"]) });
    expect([denied.passes, denied.record]).toMatchObject([true, { decision: "deny", mode: "permissive" }]);
    const failed = ask({ fails: { "kong.request.get_method": UNIVERSAL } });
    expect([failed.passes, failed.record]).toMatchObject([true, { decision: "deny", reason: "error" }]);
    expect(upstream(ask()).join()).not.toContain("x-checked");
  });

  test("log_decisions off: log plugins are told nothing", () => {
    use({ bundle: ADMINS, log_decisions: false });
    expect(ask().record).toBe(null);
    expect(ask({ request: withHeaders() }).record).toBe(null);
  });

  test("a gRPC client gets the message as its status", () => {
    const denied = ask({
      request: { ...withHeaders(["content-type", "application/grpc+proto"]), httpVersion: 2 },
    });
    expect([denied.passes, denied.status, denied.headers["grpc-status"]]).toEqual([false, 403, "7"]);
    expect(JSON.parse(denied.headers["grpc-message"]!)).toMatchObject({ message: "default" });
  });

  test("texts of a policy arrive whole", () => {
    use({
      bundle: bundleOf(`policy Says:
  triggers when request.method == "GET" or request.method != "GET"
  denies
  on deny
    status 402
    body "no \\"entry\\"\\\\ here:\\n🛑 ä"
`),
    });
    const { status, body } = ask();
    expect([status, JSON.parse(body)]).toMatchObject([402, { message: 'no "entry"\\ here:\n🛑 ä' }]);
  });
});

describe("a function of Kong or nginx raises an error", () => {
  test.each([
    ...["kong.request.get_method", "kong.request.get_forwarded_scheme", "kong.request.get_http_version"],
    ...["kong.client.get_forwarded_ip", "kong.client.get_forwarded_port", "kong.client.get_consumer"],
    ...["kong.client.get_credential", "kong.router.get_route", "kong.router.get_service"],
    ...["ngx.req.get_headers", "ngx.req.start_time", "ngx.req.get_body_data"],
  ])("%s: 500, with nothing of it in the answer", (name) => {
    use({ bundle: EVERYTHING });
    expect(ask(verified).passes).toBe(true);
    const outcome = ask({ ...verified, fails: { [name]: UNIVERSAL } });
    expectFailure(outcome);
    expect(outcome.log.join()).toContain(UNIVERSAL);
  });

  test.each(["kong.service.request.set_header", "kong.service.request.clear_header"])(
    "%s: Kong's own 500",
    (name) => {
      use({ bundle: SETS });
      const request = withHeaders(["x-checked", "forged"]);
      const { passes, status, body } = ask({ request, fails: { [name]: UNIVERSAL } });
      expect([passes, status, body]).toEqual([false, 500, '{"message":"An unexpected error occurred"}']);
    },
  );

  test("kong.response.exit: Kong's own 500", () => {
    use({ bundle: ADMINS });
    const { passes, status } = ask({
      request: withHeaders(),
      fails: { "kong.response.exit": UNIVERSAL },
    });
    expect([passes, status]).toEqual([false, 500]);
  });

  test("in permissive mode nothing passes with a header that the client forged", () => {
    use({ bundle: SETS, mode: "permissive" });
    const request = withHeaders(["x-checked", "forged"]);
    const cleared = ask({ request, fails: { "kong.request.get_method": UNIVERSAL } });
    expect([cleared.passes, upstream(cleared)]).toEqual([true, ["host: example.org"]]);
    expect(ask({ request, fails: { "kong.service.request.clear_header": UNIVERSAL } }).passes).toBe(false);
    expect(ask({ request, fails: { "ngx.req.get_headers": UNIVERSAL } }).passes).toBe(false);
  });
});

describe("a configuration that Kong refuses", () => {
  test.each<[string, () => object, string]>([
    ["no bundle", () => ({}), "exactly one of these fields"],
    ["two bundles", () => ({ bundle: ADMINS, bundle_path: "/x" }), "exactly one of these fields"],
    ["a file that is not there", () => ({ bundle_path: join(folder, "no") }), "No such file or directory"],
    ["a folder", () => ({ bundle_path: folder }), "Is a directory"],
    ["an empty file", () => ({ bundle_path: written("") }), "the file is empty"],
    ["another file", () => ({ bundle_path: written("x".repeat(1_000)) }), "this is no bundle"],
    ["half a bundle", () => ({ bundle_path: written(bytes(ADMINS).subarray(0, 300)) }), "refused"],
    ["a bundle with a bit turned", () => ({ bundle_path: written(turned(ADMINS)) }), "refused"],
    ["a file that is too large", () => ({ bundle_path: large() }), "more than 67108864 bytes"],
    ["no base64", () => ({ bundle: "policy.ipeb" }), "not base64"],
    ["base64 of something else", () => ({ bundle: "aGVsbG8=" }), "this is no bundle"],
    [
      "a bundle that reads what Kong never tells",
      () => ({ bundle: PRINCIPALS }),
      "Kong gives plugins no access",
    ],
    ["a bundle that reads an extension of others", () => ({ bundle: EXTENSIONS }), "no extension `tenant`"],
  ])("%s", (_, config, problem) => {
    use({ bundle: OTHERS });
    expect(worker.configure(config())).toContain(problem);
    // The one before stays.
    expect(ask({ request: withHeaders(["x-role", "guest"]) }).passes).toBe(true);
    // And where Kong did not look, nothing passes.
    use(config(), true);
    expectFailure(ask());
  });

  test.each([
    ["an unknown field", { bundel: "x" }, "config.bundel: unknown field"],
    ["another mode", { mode: "audit" }, "config.mode: expected one of"],
    ["a body limit beyond what policies read", { body_limit: 262_145 }, "config.body_limit: value should be"],
  ])("%s", (_, more, problem) => {
    expect(worker.configure({ bundle: ADMINS, ...more })).toContain(problem);
  });

  const PRINCIPALS = bundleOf(`policy P:
  requires source.principal == "x"
`);
  const EXTENSIONS = bundleOf(`attributes
  tenant: string from extension "tenant"

policy P:
  requires tenant == "x"
`);

  function bytes(bundle: string): Buffer {
    return Buffer.from(bundle, "base64");
  }

  function turned(bundle: string): Buffer {
    const changed = bytes(bundle);
    changed[changed.length - 1]! ^= 1;
    return changed;
  }

  function written(content: string | Uint8Array): string {
    const path = join(folder, "written");
    writeFileSync(path, content);
    return path;
  }

  function large(): string {
    const path = written("");
    truncateSync(path, 2 ** 26 + 1);
    return path;
  }
});

test("a bundle that was broken behind Kong's back denies, and is tried again a second later", () => {
  const path = join(folder, "replaced");
  worker.setTime(2_000);
  use({ bundle_path: path }, true);
  expectFailure(ask());
  writeFileSync(path, Buffer.from(ADMINS, "base64"));
  worker.setTime(2_000.5);
  expectFailure(ask());
  worker.setTime(2_001.1);
  expect(ask().passes).toBe(true);
  // What is loaded stays, whatever becomes of the file.
  writeFileSync(path, "x");
  worker.setTime(3_000);
  expect(ask().passes).toBe(true);
});

test("another configuration is another bundle, from the next request on", () => {
  use({ bundle: ADMINS });
  expect(ask().passes).toBe(true);
  use({ bundle: OTHERS });
  expect(ask().passes).toBe(false);
  use({ bundle: `${ADMINS.slice(0, 20)}\n  ${ADMINS.slice(20)}\n` });
  expect(ask().passes).toBe(true);
});

describe("bodies", () => {
  const small = Buffer.from('{"amount":1}');
  const json = withHeaders(["content-type", "application/json"]);
  beforeEach(() => use({ bundle: AMOUNTS }));

  function inFile(body: Uint8Array): string {
    const path = join(folder, "body");
    writeFileSync(path, body);
    return path;
  }

  function padded(length: number): Buffer {
    return Buffer.from(`{"amount":1}${" ".repeat(length - 12)}`);
  }

  test("one in memory, and one that nginx keeps in a file", () => {
    expect(ask({ request: { ...json, body: small } }).passes).toBe(true);
    expect(ask({ request: json, bodyFile: inFile(small) }).passes).toBe(true);
    expect(ask({ request: json, bodyFile: inFile(Buffer.from('{"amount":100}')) }).passes).toBe(false);
  });

  test("a file that cannot be read is unknown", () => {
    use({ bundle: OPTIONAL_AMOUNTS });
    const { passes, status } = ask({ request: { ...json, body: "in-file" } });
    expect([passes, status]).toEqual([false, 403]);
  });

  test.each([
    ["within the limit", BODY_LIMIT - 1, true],
    ["over the limit", BODY_LIMIT + 1, false],
    ["of 10 MB", 10 * 2 ** 20, false],
  ])("a body %s", (_, length, passes) => {
    expect(ask({ request: { ...json, body: padded(length) } }).passes).toBe(passes);
    expect(ask({ request: json, bodyFile: inFile(padded(length)) }).passes).toBe(passes);
  });

  test("body_limit counts", () => {
    use({ bundle: AMOUNTS, body_limit: 11 });
    expect(ask({ request: { ...json, body: small } }).passes).toBe(false);
    use({ bundle: AMOUNTS, body_limit: 12 });
    expect(ask({ request: { ...json, body: small } }).passes).toBe(true);
  });

  test("one that announces itself as too long is not waited for, nor one that nobody reads", () => {
    const announced = withHeaders(
      ["content-type", "application/json"],
      ["content-length", String(BODY_LIMIT + 1)],
    );
    expect(ask({ request: { ...announced, body: small } })).toMatchObject({ passes: false, bodyRead: false });
    use({ bundle: ADMINS });
    expect(ask({ request: { ...requestOf(), body: small } })).toMatchObject({
      passes: true,
      bodyRead: false,
    });
  });

  test("HTTP/2 without a length, of which nginx reads no body: unknown", () => {
    const fails = { "ngx.req.read_body": "http2 requests are not supported without content-length header" };
    use({ bundle: OPTIONAL_AMOUNTS });
    const { passes, status } = ask({ request: { ...json, body: small, httpVersion: 2 }, fails });
    expect([passes, status]).toEqual([false, 403]);
  });

  test("no body is none", () => {
    expect(ask({ request: json }).passes).toBe(false);
    use({ bundle: OPTIONAL_AMOUNTS });
    expect(ask({ request: json }).passes).toBe(true);
  });
});

describe("hostile requests", () => {
  const ff = Buffer.of(0xff);

  test.each([
    ["in a header", withHeaders(["x-role", ff])],
    ["in the method", { ...requestOf(), method: ff }],
    ["in the target", { ...requestOf(), target: Buffer.from([0x2f, 0xff]) }],
    [
      "in the host",
      requestOf({
        headers: [
          ["host", ff],
          ["x-role", "admin"],
        ],
      }),
    ],
  ])("bytes that are no UTF-8 %s", (_, request) => {
    use({ bundle: VALID });
    expect(ask().passes).toBe(true);
    expect(ask({ request }).passes).toBe(false);
  });

  test("a header called __proto__, or __index", () => {
    use({ bundle: PROTO });
    expect(ask({ request: withHeaders(["__proto__", "x"]) }).passes).toBe(true);
    expect(ask({ request: withHeaders(["__index", "x"]) }).passes).toBe(false);
  });

  test("repeated headers are not one, two hosts are none", () => {
    use({ bundle: VALID });
    const role = ["x-role", "admin"] as const;
    expect(ask({ request: withHeaders(role, role) }).passes).toBe(false);
    const hosts = requestOf({ headers: [["host", "a"], ["host", "b"], role] });
    expect(ask({ request: hosts }).passes).toBe(false);
  });

  test("10,000 header lines are all seen", () => {
    use({ bundle: ADMINS });
    const many = Array.from({ length: 10_000 }, (_, i): [string, string] => [`x-${i}`, "a"]);
    const request = withHeaders(...many, ["x_checked", "forged"], ["x-role", "admin"]);
    const outcome = ask({ request });
    expect(outcome.passes).toBe(true);
    expect(upstream(outcome).filter((line) => line.includes("checked"))).toEqual(["x-checked: yes"]);
    const twice = ask({ request: withHeaders(["x-role", "admin"], ...many, ["x-role", "admin"]) });
    expect(twice.passes).toBe(false);
  });

  test.each(["/orders/%2e%2e/admin", "//admin", "/a%2Fb", "/a/../b", "http://other.example/", "*", ""])(
    "the target %s is taken as it came, and refused",
    (target) => {
      use({
        bundle: bundleOf(`policy Any:
  requires request.path starts_with "/" or request.path == "x"
`),
      });
      expect(ask().passes).toBe(true);
      expect(ask({ request: requestOf({ target }) }).passes).toBe(false);
    },
  );
});

test("many requests leave nothing in the worker", () => {
  use({ bundle: EVERYTHING });
  const before = worker.repeat(verified, 2_000);
  const times = Number(process.env["KONG_REQUESTS"] ?? 100_000);
  // A table for each request would be more than 50 bytes.
  expect(worker.repeat(verified, times) - before).toBeLessThan((times * 20) / 1_000 + 500);
}, 3_600_000);
