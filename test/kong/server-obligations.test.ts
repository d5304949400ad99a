/** What the plugin server does on an allow besides the request's headers: answers, queries, metadata. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { companionFiles, DECISION_KEY, METADATA_KEY, PROTOCOLS } from "../../plugins/kong/index.ts";
import { obtainLuajit } from "../lua/obtain.ts";
import { type KongRequest, LuaError } from "./client/index.ts";
import { bundleOf, setUp, shortly, withHeaders } from "./setup.ts";
import { takeSnapshot } from "./snapshot.ts";

const PLANS = bundleOf(`attributes
  role: string? claimed from header "x-role"

policy Plans:
  triggers when exists role and role == "admin"
  allows
  on allow
    set query parameter "plan" to "gold & more"
    remove query parameter "debug"
    set metadata "team.name" to "core \${role}"
`);
const RESPONDS = bundleOf(`attributes
  role: string? claimed from header "x-role"

policy Responds:
  triggers when exists role and role == "admin"
  allows
  on allow
    set response header "cache-control" to "no-store"
`);
const GOLD = "plan=gold%20%26%20more";

function asking(role: string, target: KongRequest["target"] = "/"): KongRequest {
  return { ...withHeaders(["x-role", role]), target };
}

describe.each(PROTOCOLS)("%s", (protocol) => {
  test.each([
    ["/", GOLD],
    ["/?", GOLD],
    ["/?a=1&pl%61n=free&b=%7e&debug", `a=1&b=%7e&${GOLD}`],
    ["/?a=1;plan=free", `a=1%3Bplan=free&${GOLD}`],
    ["/?ü=1&plan", `Ã¼=1&${GOLD}`],
    [Buffer.from("/?a=\xff&plan", "latin1"), `a=%FF&${GOLD}`],
  ])("the query of %s", async (target, want) => {
    const { gateway } = await setUp({ protocol });
    const { kind, state } = await gateway.request(asking("admin", target), { bundle: PLANS });
    expect([kind, state.query]).toEqual(["upstream", want]);
  });

  test("clients' copies go in permissive mode, too, and nothing else is done", async () => {
    const { gateway } = await setUp({ protocol });
    for (const role of ["admin", "guest"]) {
      const config = { bundle: PLANS, mode: "permissive" };
      const { kind, state } = await gateway.request(asking(role, "/?a&pl%61n=x&debug"), config);
      expect([kind, state.query, state.shared.get(METADATA_KEY)]).toEqual(["upstream", "a&debug", undefined]);
    }
  });

  test("a query that needs no change is not written, and one that nobody sets not asked for", async () => {
    const { gateway } = await setUp({ protocol });
    const permissive = await gateway.request(asking("admin", "/?a"), { bundle: PLANS, mode: "permissive" });
    expect(permissive.state.calls).not.toContain("kong.service.request.set_raw_query");
    const other = await gateway.request(asking("guest", "/?a"), { bundle: RESPONDS });
    expect(other.state.calls).not.toContain("kong.request.get_raw_query");
  });

  test("a query that cannot be had or written: nothing passes", async () => {
    for (const broken of ["kong.request.get_raw_query", "kong.service.request.set_raw_query"]) {
      const onCall = (method: string): void => {
        if (method === broken) throw new LuaError("broken");
      };
      const { gateway } = await setUp({ protocol, onCall });
      const { kind } = await gateway.request(asking("admin", "/?a"), { bundle: PLANS });
      expect([broken, kind]).not.toEqual([broken, "upstream"]);
    }
  });

  test("metadata are told to later plugins and to log plugins, with a snapshot and without", async () => {
    const { gateway } = await setUp({ protocol });
    const { state } = await gateway.request(asking("admin"), { bundle: PLANS });
    expect(textsOf(state.shared.get(METADATA_KEY))).toEqual({ "team.name": "core admin" });
    expect(textsOf(state.serialized.get("ipe.metadata"))).toEqual({ "team.name": "core admin" });
    const snapped = await setUp({ protocol, before: takeSnapshot });
    for (const log_decisions of [true, false]) {
      const told = await snapped.gateway.request(asking("admin"), { bundle: PLANS, log_decisions });
      expect(textsOf(told.state.shared.get(METADATA_KEY))).toEqual({ "team.name": "core admin" });
      const { pass, log } = JSON.parse(String(told.state.shared.get(DECISION_KEY))) as Record<string, object>;
      expect([pass, log]).toMatchObject([true, { metadata: { "team.name": "core admin" } }]);
    }
  });

  test("headers of the answer are left to the snapshot, and nothing passes without it", async () => {
    const snapped = await setUp({ protocol, before: takeSnapshot });
    const told = await snapped.gateway.request(asking("admin"), { bundle: RESPONDS });
    expect(JSON.parse(String(told.state.shared.get(DECISION_KEY)))).toMatchObject({
      pass: true,
      response_headers: [{ name: "cache-control", value: "no-store" }],
    });
    const { gateway } = await setUp({ protocol });
    const alone = await gateway.request(asking("admin"), { bundle: RESPONDS });
    expect(shortly(alone)).toBe("503");
    const permissive = await gateway.request(asking("admin"), { bundle: RESPONDS, mode: "permissive" });
    expect(shortly(permissive)).toBe("upstream");
  });
});

/** Under one of the protocols texts are bytes. */
function textsOf(table: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(table as object).map(([name, text]) => [name, String(text)]));
}

test("the snapshot sets headers of the answer, of requests that were allowed", () => {
  const handler = companionFiles().get("kong/plugins/ipe-snapshot/handler.lua")!;
  const program = `
    local records = {
      ['{"pass":true,"response_headers":A}'] = { pass = true, response_headers = { { name = "x-a", value = "1" } } },
      ['{"pass":false,"response_headers":A}'] = { pass = false, response_headers = { { name = "x-a", value = "1" } } },
      ['{"pass":true,"response_headers":B}'] = { pass = true, response_headers = "b" },
    }
    package.preload["cjson.safe"] = function() return { decode = function(text) return records[text] end } end
    local set
    kong = { response = { set_header = function(name, value) set = name .. "=" .. value end } }
    ngx = {}
    local snapshot = (function() ${handler} end)()
    for _, record in ipairs({
      '{"pass":true,"response_headers":A}', '{"pass":false,"response_headers":A}', '{"pass":true,"response_headers":B}',
      '{"pass":true}', '"response_headers":', "", false,
    }) do
      set = nil
      kong.ctx = { shared = { ipe_decision = record or nil } }
      snapshot:header_filter()
      io.write(tostring(set), " ")
    end`;
  const said = execFileSync(obtainLuajit(), ["-e", program], { encoding: "utf8" });
  expect(said).toBe("x-a=1 nil nil nil nil nil nil ");
});
