/** What the plugin for Kong in Lua does on an allow besides the request's headers, in a real nginx. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { engineOf } from "../engine.ts";
import { type Nginx, obtainNginx, type Recorder, startNginx, startRecorder } from "../kong/nginx/index.ts";
import { http1 } from "./raw-http.fixture.ts";

const { bundle } = engineOf(`
attributes
  role: string? trusted from header "x-role"
  page: string? claimed from query "page"

policy Plans:
  requires exists role and role == "admin"
  on allow
    set response header "x-powered-by" to "shop"
    set response header "x-page" to "page \${page}"
    set query parameter "plan" to "gold/ü"
    remove query parameter "debug"
    set metadata "team.name" to "core"
`);
const ENFORCE = {
  bundle: Buffer.from(bundle).toString("base64"),
  mode: "enforce",
  log_decisions: true,
  body_limit: 262_144,
};
const GOLD = "plan=gold%2F%C3%BC";

let nginx: Nginx;
let upstream: Recorder;

beforeAll(async () => {
  upstream = await startRecorder("X-Powered-By: secret/1.0\r\nx-other: kept\r\n");
  nginx = await startNginx(await obtainNginx(), { doors: [{ name: "plain" }], upstream });
}, 400_000);

afterAll(async () => {
  await nginx?.stop();
  await upstream?.stop();
});

beforeEach(async () => {
  upstream.take();
  await nginx.set({ config: ENFORCE, facts: {}, break: [] });
});

interface Seen {
  readonly status: number | null | undefined;
  readonly head: string;
  /** The first line at the upstream. */
  readonly line: string | undefined;
}

async function send(target: string, role = "admin"): Promise<Seen> {
  const request = [`GET ${target} HTTP/1.1`, "host: shop.example", `x-role: ${role}`, "", ""].join("\r\n");
  const [answer] = await http1(nginx.port("plain"), [Buffer.from(request, "latin1")]);
  return { status: answer?.status, head: answer?.head ?? "", line: upstream.take()[0]?.line };
}

describe("queries", () => {
  test.each([
    ["/a", `/a?${GOLD}`],
    ["/a?", `/a?${GOLD}`],
    ["/a%7E/?b=%7e&c=1+2&&d", `/a%7E/?b=%7e&c=1+2&&d&${GOLD}`],
    ["/a?plan=free&b=1", `/a?b=1&${GOLD}`],
    ["/a?pl%61n=free&%70%6C%61%6e&b=1&plan=x&plan", `/a?b=1&${GOLD}`],
    ["/a?debug&b=1&d%65bug=1", `/a?b=1&${GOLD}`],
    ["/a?b=1;plan=free;c&d;e", `/a?b=1%3Bplan=free%3Bc&d;e&${GOLD}`],
    ["/a?plan=free;b=1", `/a?${GOLD}`],
    ["/a?b=%", `/a?b=%&${GOLD}`],
    ["/a?Plan=1&plan%20=2&plan+=3", `/a?Plan=1&plan%20=2&plan+=3&${GOLD}`],
  ])("%s", async (target, want) => {
    expect(await send(target)).toMatchObject({ status: 200, line: `GET ${want} HTTP/1.1` });
  });

  test("a denied request reaches nobody", async () => {
    expect(await send("/a?plan=free", "guest")).toMatchObject({ status: 403, line: undefined });
  });

  test("in permissive mode clients' copies go, and nothing else is done", async () => {
    await nginx.set({ config: { ...ENFORCE, mode: "permissive" } });
    for (const role of ["admin", "guest"])
      expect((await send("/a?plan=free&debug&b=\xff", role)).line).toBe("GET /a?debug&b=\xff HTTP/1.1");
  });
});

describe("headers of the answer", () => {
  test("take the place of the upstream's own, and others stay", async () => {
    const { head } = await send("/a?page=2");
    expect(
      head.match(/^(?:x-powered-by|x-page|x-other):.*$/gim)?.map((line) => line.trim().toLowerCase()),
    ).toEqual(expect.arrayContaining(["x-powered-by: shop", "x-page: page 2", "x-other: kept"]));
    expect(head).not.toContain("secret");
  });

  test("no line of its own comes in with a value", async () => {
    const { status, head, line } = await send("/a?page=2%0d%0aset-cookie:%20a");
    expect([status, line]).toEqual([403, undefined]);
    expect(head).toMatch(/^x-ipe-reason: Plans\r?$/m);
    expect(head).not.toContain("set-cookie");
  });

  test("a denial has none, nor has what is only watched", async () => {
    expect((await send("/a?page=2", "guest")).head).not.toContain("x-page");
    await nginx.set({ config: { ...ENFORCE, mode: "permissive" } });
    const { head } = await send("/a?page=2");
    expect(head).not.toContain("x-page");
    expect(head).toContain("secret");
  });

  test("where nginx refuses a request itself, nobody has decided", async () => {
    const [answer] = await http1(nginx.port("plain"), ["GET /a?page=2 HTTP/1.1\r\nhost: a b\r\n\r\n"]);
    expect(answer?.status).toBe(400);
    expect(answer?.head).not.toContain("x-page");
  });

  test("what breaks while it is carried out is Kong's own 500, without them", async () => {
    await nginx.set({ break: ["service.request.set_raw_query"] });
    const { status, head, line } = await send("/a?page=2");
    expect([status, line]).toEqual([500, undefined]);
    expect(head).not.toContain("x-page");
  });
});

describe("denials in the client's words", () => {
  test("a gRPC-Web client gets a status and no body", async () => {
    const lines = [
      "POST /a HTTP/1.1",
      "host: shop.example",
      "content-type: application/grpc-web-text",
      "content-length: 0",
    ];
    const [answer] = await http1(nginx.port("plain"), [`${lines.join("\r\n")}\r\n\r\n`]);
    expect([answer?.status, answer?.body, upstream.take()]).toEqual([403, "", []]);
    expect(
      answer?.head
        .toLowerCase()
        .match(/^(?:grpc|content)-.*$/gm)
        ?.map((line) => line.trim()),
    ).toEqual(
      expect.arrayContaining([
        "content-type: application/grpc-web-text+proto",
        "grpc-status: 7",
        "grpc-message: plans",
      ]),
    );
  });

  test("a call of JSON-RPC is not one where nobody reads the body", async () => {
    const body = '{"jsonrpc":"2.0","method":"a","id":1}';
    const lines = ["POST /a HTTP/1.1", "host: shop.example", `content-length: ${body.length}`];
    const [answer] = await http1(nginx.port("plain"), [`${lines.join("\r\n")}\r\n\r\n${body}`]);
    expect(JSON.parse(answer?.body ?? "")).toMatchObject({ message: "Plans" });
  });
});

test("metadata reach log plugins", async () => {
  await send("/a");
  const { record } = await nginx.logged();
  expect(record?.["ipe"]).toMatchObject({ decision: "allow", metadata: { "team.name": "core" } });
});
