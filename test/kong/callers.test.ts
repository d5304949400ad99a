/** Denials in words that the client understands, by both plugins alike: gRPC-Web, and JSON-RPC (MCP). */
import { Buffer } from "node:buffer";
import { afterAll, describe, expect, test } from "vitest";
import { startLuaWorker } from "./lua/worker.ts";
import { bundleOf, requestOf, setUp } from "./setup.ts";

/** Reads the body, and denies by the path. */
const TOOLS = bundleOf(`attributes
  amount: int? claimed from body "/amount"

policy Amounts:
  requires not exists amount or amount < 100

guard Tools:
  triggers when request.path != "/typed"
  denies
  on deny
    status 401
    body "no 100 % \\"é\\""
    set response header "x-why" to "tools"

guard Typed:
  triggers when request.path == "/typed"
  denies
  on deny
    json body "{}"
`);

const worker = startLuaWorker();
afterAll(() => worker.close());

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Asked {
  readonly type?: readonly string[];
  readonly body?: string;
  readonly target?: string;
  /** The body is not delivered. */
  readonly unread?: boolean;
}

/** What both plugins answer; the decision's id is left out. */
async function answer({ type = [], body = "", target = "/", unread = false }: Asked): Promise<Seen> {
  const bytes = Buffer.from(body, "latin1");
  const request = requestOf({
    method: "POST",
    target,
    headers: [
      ["host", "shop.example"],
      ...type.map((value): [string, string] => ["content-type", value]),
      ["content-length", String(bytes.length)],
    ],
    body: bytes,
  });
  const config = { bundle: TOOLS, body_limit: unread ? 1 : 262_144 };
  expect(worker.configure(config)).toBe(null);
  const lua = worker.request({ request });
  const { gateway } = await setUp({ protocol: "ProtoBuf:1" });
  const outcome = await gateway.request(request, config);
  if (outcome.kind !== "exit") throw new Error(`this was no denial: ${outcome.kind}`);
  const { exit } = outcome;
  const known = (headers: Record<string, string>, text: string): Omit<Seen, "status"> => {
    const { "x-ipe-decision": id = "", "content-length": _, ...others } = headers;
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    return { headers: others, body: sameSpelling(text.replace(id, "ID")) };
  };
  const seen = { status: lua.status, ...known(lua.headers, lua.body) };
  expect({ status: exit.status, ...known(Object.fromEntries(exit.headers), exit.body) }).toEqual(seen);
  return seen;
}

/** One plugin writes an id as it came, the other as it means it. */
function sameSpelling(text: string): string {
  return text === "" ? "" : JSON.stringify(JSON.parse(text));
}

const MESSAGE = 'no 100 % "é"';
const COMMON = { "x-why": "tools", "x-ipe-reason": "Tools" };
const JSON_TYPE = "application/json";

describe("gRPC-Web", () => {
  test.each([
    ["application/grpc-web", "application/grpc-web+proto"],
    ["application/grpc-web+proto", "application/grpc-web+proto"],
    ["APPLICATION/grpc-Web+json; a=b", "application/grpc-web+proto"],
    [" application/grpc-web-text", "application/grpc-web-text+proto"],
  ])("%s gets a status and no body", async (type, want) => {
    expect(await answer({ type: [type] })).toEqual({
      status: 401,
      headers: {
        ...COMMON,
        "content-type": want,
        "grpc-status": "16",
        "grpc-message": 'no 100 %25 "%C3%A9"',
      },
      body: "",
    });
  });

  test.each(["application/grpc-webby", "application/grpcx", "application/grpc_web", "text/plain"])(
    "%s is no such client",
    async (type) => {
      const { headers, body } = await answer({ type: [type] });
      expect(headers).toEqual({ ...COMMON, "content-type": JSON_TYPE });
      expect(JSON.parse(body)).toEqual({ message: MESSAGE, decision_id: "ID" });
    },
  );

  test("of several types the first that is one counts", async () => {
    const { headers } = await answer({ type: ["text/plain", "application/grpc-web"] });
    expect(headers["grpc-status"]).toBe("16");
  });
});

describe("JSON-RPC", () => {
  test.each([
    ['{"jsonrpc":"2.0","method":"a","id":7}', "7"],
    ['{"jsonrpc":"2.0","method":"a","id":"x\\"\\n"}', '"x\\"\\n"'],
    ['{"method":"a", "id" : "\\u00e9" ,"jsonrpc":"2\\u002e0"}', '"é"'],
    ['{"jsonrpc":"2.0","method":"a"}', "null"],
    ['{"jsonrpc":"2.0","id":{"a":1}}', "null"],
    ['{"jsonrpc":"2.0","id":true}', "null"],
    ['[{"jsonrpc":"2.0","id":1},{"jsonrpc":"2.0","id":2}]', "null"],
  ])("%s gets an error", async (body, id) => {
    expect(await parsed({ type: [JSON_TYPE], body })).toEqual({
      status: 401,
      headers: { ...COMMON, "content-type": JSON_TYPE },
      body: {
        ...{ jsonrpc: "2.0", id: JSON.parse(id) },
        error: { code: -32003, message: MESSAGE, data: { decision_id: "ID" } },
      },
    });
  });

  test.each([
    ["[]"],
    ['[{"jsonrpc":"2.0","id":1},{}]'],
    ['{"jsonrpc":"1.0","id":1}'],
    ['{"jsonrpc":2.0,"id":1}'],
    ['{"a":{"jsonrpc":"2.0","id":1}}'],
    ['"2.0"'],
    ["null"],
    ["{"],
    [""],
    ["{\xff}"],
  ])("%s is no call", async (body) => {
    const seen = await parsed({ type: [JSON_TYPE], body });
    expect(seen.body).toEqual({ message: MESSAGE, decision_id: "ID" });
  });

  test("nor is one that is not delivered, or of a client that speaks gRPC", async () => {
    const body = '{"jsonrpc":"2.0","method":"a","id":7}';
    expect((await parsed({ body, unread: true })).body).toEqual({ message: MESSAGE, decision_id: "ID" });
    expect((await answer({ body, type: ["application/grpc-web"] })).body).toBe("");
  });

  test("a body whose type the policy says is the policy's", async () => {
    const body = '{"jsonrpc":"2.0","method":"ping","id":7}';
    expect((await answer({ body, target: "/typed" })).body).toBe("{}");
  });
});

async function parsed(asked: Asked): Promise<Omit<Seen, "body"> & { readonly body: unknown }> {
  const { body, ...others } = await answer(asked);
  return { ...others, body: JSON.parse(body) };
}
