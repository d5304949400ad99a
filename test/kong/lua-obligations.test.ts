/** What the plugin in Lua does on an allow besides the request's headers: answers, queries, metadata. */
import { constantFrom, assert as holds, array as listOf, property } from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { rewriteQuery } from "../../core/index.ts";
import { type Judged, type LuaOutcome, startLuaWorker } from "./lua/worker.ts";
import { bundleOf, requestOf, withHeaders } from "./setup.ts";

const worker = startLuaWorker();
afterAll(() => worker.close());

const PLANS = bundleOf(`attributes
  role: string? claimed from header "x-role"

policy Plans:
  triggers when exists role and role == "admin"
  allows
  on allow
    set response header "cache-control" to "no-store"
    set query parameter "plan" to "gold & more"
    remove query parameter "debug"
    set metadata "team.name" to "core \${role}"
`);

const GOLD = "plan=gold%20%26%20more";

function use(config: object): void {
  expect(worker.configure(config)).toBe(null);
}

beforeEach(() => use({ bundle: PLANS }));

function ask(role: string, target = "/", more: Partial<Judged> = {}): LuaOutcome {
  return worker.request({ request: { ...withHeaders(["x-role", role]), target }, ...more });
}

const ANSWER = { "cache-control": "public", "x-other": "kept" };

describe("headers of the answer", () => {
  test("take the place of the upstream's own", () => {
    expect(ask("admin", "/", { answer: ANSWER }).headers).toEqual({
      "cache-control": "no-store",
      "x-other": "kept",
    });
  });

  test("not where the request is denied, only watched, or nobody could decide", () => {
    expect(ask("guest").headers["cache-control"]).toBeUndefined();
    const failed = ask("admin", "/", { fails: { "kong.request.get_method": "broken" } });
    expect([failed.status, failed.headers["cache-control"]]).toEqual([500, undefined]);
    use({ bundle: PLANS, mode: "permissive" });
    for (const role of ["admin", "guest"])
      expect(ask(role, "/", { answer: ANSWER }).headers["cache-control"]).toBe("public");
  });

  test("not where carrying it out fails: Kong answers, and not with the policy's header", () => {
    const failed = ask("admin", "/?a", { fails: { "kong.service.request.set_raw_query": "broken" } });
    expect([failed.passes, failed.status, failed.headers["cache-control"]]).toEqual([false, 500, undefined]);
  });
});

describe("queries", () => {
  test.each([
    ["/", GOLD],
    ["/?", GOLD],
    ["/?a=1&plan=free&b=%7e", `a=1&b=%7e&${GOLD}`],
    ["/?plan=free&pl%61n=x&debug&a", `a&${GOLD}`],
    ["/?plan&&debug=1&plan=", GOLD],
    ["/?a=1;plan=free", `a=1%3Bplan=free&${GOLD}`],
    ["/?a=?plan=free", `a=?plan=free&${GOLD}`],
  ])("%s", (target, want) => {
    expect(ask("admin", target).query?.toString()).toBe(want);
  });

  test("clients' copies go in permissive mode, too, and nothing else is done", () => {
    use({ bundle: PLANS, mode: "permissive" });
    for (const role of ["admin", "guest"])
      expect(ask(role, "/?a&pl%61n=x&debug=1").query?.toString()).toBe("a&debug=1");
    const failed = ask("admin", "/?plan=x", { fails: { "kong.request.get_method": "broken" } });
    expect([failed.passes, failed.query?.toString()]).toEqual([true, ""]);
  });

  test("what needs no change is not written", () => {
    use({ bundle: PLANS, mode: "permissive" });
    const fails = { "kong.service.request.set_raw_query": "broken" };
    expect(ask("admin", "/?a=%zz&&", { fails }).query?.toString()).toBe("a=%zz&&");
  });

  test("as core does it, whatever the query", () => {
    const piece = constantFrom(
      "plan",
      "pl%61n",
      "debug",
      "x",
      "=",
      ";",
      "&",
      "%",
      "%3b",
      "+",
      "1",
      "ü",
      "%zz",
    );
    const set = [{ name: "plan", value: "gold & more" }];
    holds(
      property(listOf(piece, { maxLength: 12 }), (pieces) => {
        const query = pieces.join("");
        const rewritten = ask("admin", `/?${query}`).query?.toString();
        expect(rewritten).toBe(rewriteQuery(query, { set, remove: ["debug"] }));
      }),
      { numRuns: 500 },
    );
  });
});

describe("metadata", () => {
  test("is told to log plugins and to later plugins", () => {
    const { metadata, shared, record } = ask("admin");
    expect([metadata, shared]).toEqual([{ "team.name": "core admin" }, { "team.name": "core admin" }]);
    expect(record).toMatchObject({ decision: "allow", policy: "Plans" });
  });

  test("also where decisions are not logged", () => {
    use({ bundle: PLANS, log_decisions: false });
    const { metadata, record } = ask("admin");
    expect([metadata, record]).toEqual([{ "team.name": "core admin" }, {}]);
    expect(ask("guest").record).toBe(null);
  });

  test("none of a denial, or of what is only watched", () => {
    expect(ask("guest")).toMatchObject({ metadata: null, shared: null });
    use({ bundle: PLANS, mode: "permissive" });
    expect(ask("admin")).toMatchObject({ metadata: null, shared: null });
  });
});

test("a value that cannot stand in a header denies", () => {
  use({
    bundle: bundleOf(`attributes
  page: string? claimed from query "page"

policy Pages:
  allows
  on allow
    set response header "x-page" to "page \${page}"
`),
  });
  const page = (query: string): LuaOutcome =>
    worker.request({ request: requestOf({ target: `/?page=${query}` }) });
  expect(page("1").headers["x-page"]).toBe("page 1");
  expect(page("").headers["x-page"]).toBeUndefined();
  for (const broken of ["a%0d%0ax:y", "%00", "%C3%BC", "a".repeat(1_025)]) {
    const denied = page(broken);
    expect([denied.passes, denied.status, denied.headers["x-ipe-reason"]]).toEqual([false, 403, "Pages"]);
    expect(denied.record).toMatchObject({ reason: "obligation-invalid", policy: "Pages" });
  }
});
