import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folderWith, ipe } from "./ipe.fixture.ts";

const POLICY = `resource Order: GET "/orders/{order_id}"

attributes
  tenant: string trusted from header "x-tenant"
  debug: string? claimed from query "debug"

policy ReadOrders:
  "Tenants read orders"
  triggers when
    resource.type == "Order"
  requires
    tenant in ["acme", "globex"]
    and not (tenant == "globex" and request.host == "internal")
  on allow
    set request header "x-checked" to "yes"
  on deny
    status 404
    body "no such order"

guard NoDebug:
  triggers when not exists debug or debug == "1"
  requires exists debug or request.method != "TRACE"
`;
const BROKEN = POLICY.replace("tenant in", "tennant in");

const request = (change: object = {}): string =>
  JSON.stringify({
    request: { method: "GET", path: "/orders/7", host: "api", headers: { "x-tenant": "acme" } },
    ...change,
  });

async function built(): Promise<string> {
  const folder = folderWith({ "p.ipe": POLICY, "request.json": request(), "broken.ipe": BROKEN });
  expect(await ipe(folder, ["build", "p.ipe", "-o", "p.ipeb"])).toMatchObject({ code: 0 });
  return folder;
}

describe("check", () => {
  test("sound text: code 0, nothing on stdout", async () => {
    const ran = await ipe(folderWith({ "p.ipe": POLICY }), ["check", "p.ipe"]);
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    expect(ran.stderr).toContain("ok: 2 policies, 2 attributes in p.ipe");
    expect(ran.stderr).not.toContain("\u001b");
  });

  test("errors: code 1, place, caret and advice on stderr", async () => {
    const ran = await ipe(folderWith({ "p.ipe": BROKEN }), ["check", "p.ipe"]);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toContain("p.ipe:12:5: error[unknown-attribute]: unknown attribute `tennant`");
    expect(ran.stderr).toContain(" 12 |     tennant in");
    expect(ran.stderr).toContain("    |     ^^^^^^^\nhelp: did you mean `tenant`?");
  });

  test("--json: diagnostics on stdout as one JSON value", async () => {
    const ran = await ipe(folderWith({ "p.ipe": BROKEN }), ["check", "p.ipe", "--json"]);
    expect(ran).toMatchObject({ code: 1, stderr: "" });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: false,
      diagnostics: [
        {
          severity: "error",
          id: "unknown-attribute",
          file: "p.ipe",
          line: 12,
          column: 5,
          endLine: 12,
          endColumn: 12,
        },
      ],
    });
  });

  test("--strict: warnings are errors", async () => {
    const text =
      'attributes\n  a: string claimed from header "x-a"\n\npolicy P:\n  triggers when a == "1"\n  allows\n';
    expect((await ipe(folderWith({ "p.ipe": text }), ["check", "p.ipe"])).code).toBe(0);
    const strict = await ipe(folderWith({ "p.ipe": text }), ["check", "p.ipe", "--strict"]);
    expect(strict.code).toBe(1);
    expect(strict.stderr).toContain("error[claimed-grant]");
  });

  test("--target: refuses what the target cannot supply, with the attribute and the reason", async () => {
    const text = 'guard Tls:\n  triggers when connection.tls_version == "TLSv1"\n  denies\n';
    const folder = folderWith({ "p.ipe": text });
    for (const target of ["ext-authz", "istio-ext-authz", "forward-auth"]) {
      const ran = await ipe(folder, ["check", "p.ipe", "--target", target]);
      expect(ran.code, target).toBe(1);
      expect(ran.stderr).toContain(
        `error[unsupported-by-target]: ${target} cannot supply \`connection.tls_version\``,
      );
    }
    for (const target of ["envoy-wasm", "istio-wasm", "kong"])
      expect((await ipe(folder, ["check", "p.ipe", "--target", target])).code, target).toBe(0);
    expect((await ipe(folder, ["check", "p.ipe", "--target", "apache"])).code).toBe(2);
  });

  test("a folder is all its .ipe files", async () => {
    const folder = folderWith({
      "a.ipe": POLICY.slice(0, POLICY.indexOf("policy")),
      "b.ipe": POLICY.slice(POLICY.indexOf("policy")),
      "c.txt": "not policy text",
    });
    expect((await ipe(folder, ["check", "."])).code).toBe(0);
  });
});

describe("build and inspect", () => {
  test("writes the bundle, prints its digest, the same bytes each time", async () => {
    const folder = await built();
    const again = await ipe(folder, ["build", "p.ipe", "-o", "q.ipeb", "--json"]);
    expect(readFileSync(join(folder, "q.ipeb"))).toEqual(readFileSync(join(folder, "p.ipeb")));
    const { digest, file } = JSON.parse(again.stdout) as { digest: string; file: string };
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(file).toBe("q.ipeb");
    const inspected = JSON.parse((await ipe(folder, ["inspect", "p.ipeb", "--json"])).stdout) as Record<
      string,
      unknown
    >;
    expect(inspected).toMatchObject({
      digest,
      default: "deny",
      readsBody: false,
      stripsRequestHeaders: ["x-checked"],
    });
    expect(inspected["policies"]).toMatchObject([
      { name: "NoDebug", kind: "guard" },
      { name: "ReadOrders", intent: "Tenants read orders" },
    ]);
    const text = (await ipe(folder, ["inspect", "p.ipeb"])).stdout;
    expect(text).toContain(digest);
    expect(text).toContain("IN_STRINGS");
  });

  test("says what the optimizer saved, pass by pass, when asked", async () => {
    const folder = folderWith({
      "p.ipe": `guard G:\n  triggers when ${'request.method == "GET" and '.repeat(3)} true\n  denies\n`,
    });
    const quiet = await ipe(folder, ["build", "p.ipe", "-o", "p.ipeb"]);
    expect(quiet.stderr).not.toContain("optimizer");
    const { code, stderr } = await ipe(folder, ["build", "p.ipe", "-o", "p.ipeb", "--verbose"]);
    expect(code).toBe(0);
    const bytes = readFileSync(join(folder, "p.ipeb")).length.toLocaleString("en-US");
    expect(stderr).toMatch(
      new RegExp(`^optimizer: 1,[0-9]{3} bytes become ${bytes}; saved by each pass$`, "m"),
    );
    expect(stderr).toMatch(/^ {2}fold +8 {2}true and false in and, or$/m);
    expect(stderr).toMatch(/^ {2}merge +16 {2}common tests once$/m);
  });

  test("with errors no file is written", async () => {
    const folder = folderWith({ "p.ipe": BROKEN });
    expect((await ipe(folder, ["build", "p.ipe", "-o", "p.ipeb"])).code).toBe(1);
    expect(existsSync(join(folder, "p.ipeb"))).toBe(false);
  });

  test("with errors and --json: the diagnostics on stdout as `check --json` prints them, no file", async () => {
    const folder = folderWith({ "p.ipe": BROKEN });
    const ran = await ipe(folder, ["build", "p.ipe", "-o", "p.ipeb", "--json"]);
    expect(ran).toMatchObject({ code: 1, stderr: "" });
    expect(ran.stdout).toBe((await ipe(folder, ["check", "p.ipe", "--json"])).stdout);
    expect(existsSync(join(folder, "p.ipeb"))).toBe(false);
  });

  test("neither the order of files nor naming one twice changes a byte", async () => {
    const folder = folderWith({
      "a.ipe": POLICY.slice(POLICY.indexOf("guard")),
      "B.ipe": POLICY.slice(0, POLICY.indexOf("policy")),
      "c.ipe": POLICY.slice(POLICY.indexOf("policy"), POLICY.indexOf("guard")),
    });
    const orders = [
      ["."],
      ["a.ipe", "B.ipe", "c.ipe"],
      ["c.ipe", "B.ipe", "a.ipe"],
      ["c.ipe", "./a.ipe", "a.ipe", join(folder, "B.ipe"), "."],
    ];
    const bundles = [];
    for (const files of orders) {
      expect(await ipe(folder, ["build", ...files, "-o", "p.ipeb"])).toMatchObject({ code: 0, stderr: "" });
      bundles.push(readFileSync(join(folder, "p.ipeb"), "hex"));
    }
    expect(new Set(bundles).size).toBe(1);
  });

  test("an empty file is no bundle", async () => {
    const ran = await ipe(folderWith({ "p.ipeb": "" }), ["inspect", "p.ipeb"]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain("`p.ipeb` is refused: the file is empty");
  });

  test("a damaged bundle is refused", async () => {
    const folder = await built();
    const bytes = readFileSync(join(folder, "p.ipeb"));
    bytes[bytes.length - 5]! ^= 1;
    const damaged = folderWith({ "p.ipeb": bytes, "request.json": request() });
    for (const args of [
      ["inspect", "p.ipeb"],
      ["eval", "--bundle", "p.ipeb", "--context", "request.json"],
      ["filter-config", "--bundle", "p.ipeb"],
    ]) {
      const ran = await ipe(damaged, args);
      expect(ran, args[0]).toMatchObject({ code: 2, stdout: "" });
      expect(ran.stderr).toContain("`p.ipeb` is refused:");
    }
  });
});

describe("what -o names", () => {
  const build = (folder: string, path: string) => ipe(folder, ["build", "p.ipe", "-o", path]);

  test("a link stays, and the file that it leads to is replaced", async () => {
    const folder = await built();
    const want = readFileSync(join(folder, "p.ipeb"));
    mkdirSync(join(folder, "far"));
    symlinkSync("far/there.ipeb", join(folder, "one.ipeb"));
    symlinkSync("../one.ipeb", join(folder, "far", "two.ipeb"));
    for (const name of ["one.ipeb", "far/two.ipeb"]) {
      expect(await build(folder, name), name).toMatchObject({ code: 0 });
      expect(readFileSync(join(folder, "far", "there.ipeb"))).toEqual(want);
      expect(lstatSync(join(folder, "far", "there.ipeb")).isFile()).toBe(true);
    }
    expect(readlinkSync(join(folder, "one.ipeb"))).toBe("far/there.ipeb");
    expect(readlinkSync(join(folder, "far", "two.ipeb"))).toBe("../one.ipeb");
    expect(readdirSync(join(folder, "far")).sort()).toEqual(["there.ipeb", "two.ipeb"]);
  });

  test("a pipe is written to, and stays", async () => {
    const folder = await built();
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const [ran, bytes] = await Promise.all([build(folder, "pipe"), readFile(join(folder, "pipe"))]);
    expect(ran).toMatchObject({ code: 0 });
    expect(bytes).toEqual(readFileSync(join(folder, "p.ipeb")));
    expect(lstatSync(join(folder, "pipe")).isFIFO()).toBe(true);
  });

  test.each([
    { path: ".", said: "cannot write `.`: it is a folder; name a file in it" },
    { path: "new/", said: "cannot write `new/`: it is a folder; name a file in it" },
    { path: "no/p.ipeb", said: "cannot write `no/p.ipeb`: there is no such file or folder" },
    { path: "p.ipe/p.ipeb", said: "cannot write `p.ipe/p.ipeb`: a part of the path is no folder" },
    { path: "loop", said: "cannot write `loop`: its links lead in a circle" },
  ])("$path: code 2, nothing written", async ({ path, said }) => {
    const folder = folderWith({ "p.ipe": POLICY });
    symlinkSync("loop", join(folder, "loop"));
    const ran = await build(folder, path);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain(said);
    expect(readdirSync(folder).sort()).toEqual(["loop", "p.ipe"]);
  });
});

describe("eval", () => {
  test("allow: code 0 and the whole decision", async () => {
    const folder = await built();
    const ran = await ipe(folder, ["eval", "--bundle", "p.ipeb", "--context", "request.json", "--json"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(ran.stdout)).toEqual({
      decision: "allow",
      reason: { policy: "ReadOrders", outcome: "satisfied" },
      policies: [
        {
          name: "NoDebug",
          kind: "guard",
          mode: "enforce",
          outcome: "satisfied",
          failed: [],
          missing: [],
          invalid: [],
        },
        {
          name: "ReadOrders",
          kind: "policy",
          mode: "enforce",
          outcome: "satisfied",
          failed: [],
          missing: [],
          invalid: [],
        },
      ],
      obligations: { request_headers: { "x-checked": "yes" }, remove_request_headers: [], deny: null },
      bundle: expect.stringMatching(/^sha256:/),
    });
  });

  test("deny: code 3, what failed, what is missing, what to answer", async () => {
    const folder = await built();
    const ran = await ipe(
      folder,
      ["eval", "--bundle", "p.ipeb", "--context", "-"],
      request({ request: { method: "GET", path: "/orders/7", host: "internal" } }),
    );
    expect(ran.code).toBe(3);
    const decision = JSON.parse(ran.stdout) as { policies: unknown[] };
    expect(decision).toMatchObject({
      decision: "deny",
      reason: { policy: "ReadOrders", outcome: "unsatisfied" },
      obligations: {
        request_headers: {},
        remove_request_headers: [],
        deny: { status: 404, body: "no such order", headers: [] },
      },
    });
    expect(decision.policies[1]).toEqual({
      name: "ReadOrders",
      kind: "policy",
      mode: "enforce",
      outcome: "unsatisfied",
      failed: [
        { text: 'tenant in ["acme", "globex"]', line: 12, column: 5 },
        { text: 'not (tenant == "globex" and request.host == "internal")', line: 13, column: 9 },
      ],
      missing: ["tenant"],
      invalid: [],
    });
  });

  test("default: the reason names no policy, the status is 403", async () => {
    const folder = await built();
    const ran = await ipe(
      folder,
      ["eval", "--bundle", "p.ipe", "--context", "-"],
      request({ request: { method: "GET", path: "/", host: "api" } }),
    );
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      reason: { policy: null, outcome: "default" },
      obligations: {
        request_headers: {},
        remove_request_headers: [],
        deny: { status: 403, body: null, headers: [] },
      },
    });
  });

  test("attributes win over sources; null is absent, a wrong type invalid", async () => {
    const folder = await built();
    const evaluated = async (attributes: object): Promise<unknown> =>
      JSON.parse(
        (await ipe(folder, ["eval", "--bundle", "p.ipeb", "--context", "-"], request({ attributes }))).stdout,
      );
    expect(await evaluated({ tenant: "nobody" })).toMatchObject({
      decision: "deny",
      policies: [{}, { missing: [], invalid: [] }],
    });
    expect(await evaluated({ tenant: null })).toMatchObject({
      decision: "deny",
      policies: [{}, { missing: ["tenant"], invalid: [] }],
    });
    expect(await evaluated({ tenant: 7 })).toMatchObject({
      decision: "deny",
      policies: [{}, { missing: [], invalid: ["tenant"] }],
    });
  });

  test.each([
    ["an undeclared attribute", request({ attributes: { tennant: "x" } }), "tennant"],
    ["a built-in attribute", request({ attributes: { "request.method": "GET" } }), "request.method"],
    ["an unknown member", request({ requests: {} }), "requests"],
    ["no JSON", "{", "JSON"],
  ])("%s: code 2", async (_name, context, named) => {
    const ran = await ipe(await built(), ["eval", "--bundle", "p.ipeb", "--context", "-"], context);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain(named);
  });
});

test("explain: the tree with marks, the values seen, the decision", async () => {
  const folder = await built();
  const ran = await ipe(
    folder,
    ["explain", "--no-timings", "--policy", "ReadOrders", "--bundle", "p.ipeb", "--context", "-"],
    request({
      request: { method: "GET", path: "/orders/7", host: "internal", headers: { "x-tenant": "globex" } },
    }),
  );
  expect(ran).toMatchObject({ code: 3, stderr: "" });
  expect(ran.stdout).toBe(`policy ReadOrders: unsatisfied
  "Tenants read orders"
  triggers when
    ✓ resource.type == "Order"
        resource.type = "Order"
  requires
    ✓ tenant in ["acme", "globex"]
        tenant = "globex"
    ✗ not
      ✓ all of
        ✓ tenant == "globex"
            tenant = "globex"
        ✓ request.host == "internal"
            request.host = "internal"

decision: DENY (ReadOrders is unsatisfied)

Required action (tried: with it the decision is ALLOW):
  the component in front sets tenant (header "x-tenant"): "acme" instead of "globex"
      so that \`tenant == "globex"\` does not hold (ReadOrders)
`);
  const unknown = await ipe(
    folder,
    ["explain", "--no-timings", "--policy", "ReadOrders", "--bundle", "p.ipeb", "--context", "-"],
    request({ request: { method: "GET", path: "//orders/7" } }),
  );
  expect(unknown.stdout).toContain('? resource.type == "Order"\n        resource.type is invalid');
  expect(unknown.stdout).toContain(
    'the caller asks for GET /orders/1, so resource.type is "Order" instead of an invalid value',
  );
  const wrong = await ipe(folder, [
    "explain",
    "--policy",
    "Nope",
    "--bundle",
    "p.ipeb",
    "--context",
    "request.json",
  ]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("there is no policy `Nope`; the bundle has NoDebug, ReadOrders");
});

test("explain: times are measured and said to be", async () => {
  const folder = await built();
  const ran = await ipe(folder, ["explain", "--bundle", "p.ipeb", "--context", "request.json"]);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toMatch(/✓ resource\.type == "Order" \([0-9.]+ (?:ns|us)\)/);
  expect(ran.stdout).toMatch(
    /tier: interpreter; [0-9.]+ (?:ns|us) from the request to the decision.*measured/,
  );
  expect(ran.stdout).not.toContain("Required action");
});

test("explain --json: the decision, a trace for each policy, the required action", async () => {
  const folder = await built();
  const form = {
    request: {
      method: "GET",
      path: "/orders/7",
      headers: { "x-tenant": "b", traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` },
    },
  };
  const ran = await ipe(
    folder,
    ["explain", "--json", "--policy", "ReadOrders", "--bundle", "p.ipeb", "--context", "-"],
    JSON.stringify(form),
  );
  expect(ran.code).toBe(3);
  expect(JSON.parse(ran.stdout)).toMatchObject({
    decision: "deny",
    reason: { policy: "ReadOrders", outcome: "unsatisfied" },
    tier: "interpreter",
    duration_us: expect.any(Number) as unknown,
    required_action: {
      found: true,
      decision_with_it: "allow",
      request_line: "GET /orders/7",
      changes: [
        {
          attribute: "tenant",
          source: "header",
          argument: "x-tenant",
          who: "in-front",
          from: { state: "present", value: "b" },
          to: { state: "present", value: "acme" },
        },
      ],
    },
    policies: [
      {
        trace_id: "a".repeat(32),
        parent_span_id: "b".repeat(16),
        operation: "policy_evaluation",
        policy: "ReadOrders",
        tier: "interpreter",
        decision: "deny",
        outcome: "unsatisfied",
        matched_conditions: ['resource.type == "Order"'],
        failed_conditions: ['tenant in ["acme", "globex"] (got "b")', 'tenant == "globex" (got "b")'],
        unknown_conditions: ['request.host == "internal" (got absent)'],
        trigger: { kind: "leaf", truth: "true" },
        requirement: { kind: "and", children: [{ truth: "false" }, { kind: "not" }] },
      },
    ],
  });
});

describe("usage", () => {
  test.each([
    ["no such command", ["chek"], "Did you mean check?"],
    ["no files", ["check"], "missing required argument"],
    ["no output", ["build", "p.ipe"], "-o, --output <bundle>"],
    [
      "unreadable file",
      ["check", "missing.ipe"],
      "cannot read `missing.ipe`: there is no such file or folder",
    ],
    ["a folder without policies", ["check", "."], "`.` holds no .ipe file"],
    ["no such shell", ["completion", "tcsh"], "choose one of bash, zsh, fish"],
  ])("%s: code 2", async (_name, args, said) => {
    const ran = await ipe(folderWith({}), args);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain(said);
  });

  test("help and version are no errors", async () => {
    const folder = folderWith({});
    expect(await ipe(folder, ["--version"])).toMatchObject({ code: 0, stdout: "0.1.0\n" });
    const help = await ipe(folder, ["eval", "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("Examples:\n  ipe eval --bundle orders.ipeb --context request.json");
  });

  test.each(["bash", "zsh", "fish"])("completion for %s names commands and options", async (shell) => {
    const { stdout } = await ipe(folderWith({}), ["completion", shell]);
    expect(stdout).toContain("filter-config");
    expect(stdout).toMatch(shell === "fish" ? /-l strict/ : /--strict/);
  });
});

describe("filter-config", () => {
  test("prints exactly the JSON, with the bundle in base64", async () => {
    const folder = await built();
    const ran = await ipe(folder, ["filter-config", "--bundle", "p.ipeb"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ran.stdout)).toEqual({
      bundle: readFileSync(join(folder, "p.ipeb")).toString("base64"),
    });
    const body = JSON.parse(
      (await ipe(folder, ["filter-config", "--bundle", "p.ipeb", "--allow-body"])).stdout,
    ) as object;
    expect(body).toMatchObject({ allow_on_headers_stop_iteration: true });
  });

  test("a bundle that reads the body: without --allow-body a warning that the filter refuses it", async () => {
    const folder = folderWith({
      "p.ipe":
        'attributes\n  a: string trusted from body "/a"\n\npolicy P:\n  triggers when a == "1"\n  allows\n',
    });
    const ran = await ipe(folder, ["filter-config", "--bundle", "p.ipe"]);
    expect(ran.code).toBe(0);
    expect(Object.keys(JSON.parse(ran.stdout))).toEqual(["bundle"]);
    expect(ran.stderr).toContain(
      "warning: the filter refuses this configuration: the bundle reads the request body; set `allow_on_headers_stop_iteration: true` in Envoy's PluginConfig and add --allow-body",
    );
    const allowed = await ipe(folder, ["filter-config", "--bundle", "p.ipe", "--allow-body"]);
    expect(allowed.code).toBe(0);
    expect(allowed.stderr).not.toContain("the filter refuses");
  });

  test("a bundle that reads what a filter never gets: a warning with attribute and reason", async () => {
    const folder = folderWith({
      "p.ipe": 'attributes\n  zone: string from extension "zone"\n\npolicy P:\n  requires zone == "a"\n',
    });
    const ran = await ipe(folder, ["filter-config", "--bundle", "p.ipe", "--allow-body"]);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toHaveProperty("bundle");
    expect(ran.stderr).toContain(
      "warning: the filter refuses this configuration: the bundle reads `zone`, and a wasm filter sees no context extensions",
    );
  });
});
