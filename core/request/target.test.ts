import { describe, expect, test } from "vitest";
import { absent, invalid, load, testProgram, testRequest } from "./fixtures.ts";
import { createSlotLoader } from "./load.ts";
import { type Fact, type Text, undelivered } from "./neutral.ts";
import { Slots } from "./slots.ts";

const program = testProgram({
  slots: [
    { name: "request.method", type: "string", source: "builtin" },
    { name: "request.path", type: "string", source: "builtin" },
    { name: "request.query", type: "string", source: "builtin" },
    { name: "request.host", type: "string", source: "builtin" },
    { name: "resource.type", type: "resource", source: "builtin" },
    { name: "id", type: "string", source: "capture" },
    { name: "year", type: "int", source: "capture" },
    { name: "q", type: "string", source: "query" },
  ],
  // Most specific first, as the compiler orders them.
  resources: {
    root: "/",
    orders: "/orders",
    "orders.create": "POST /{area}",
    anything: "/{area}",
    "order.mine": "/orders/mine",
    "order.read": "GET /orders/{id}",
    order: "/orders/{id}",
    "report.first": "/reports/{year}/1",
    report: "/reports/{year}/{id}",
    spaced: "/a b/c/ü/%/{id}",
  },
  strings: ["/orders", "a=1"],
});

const loaded = (target: Fact<Text>, ...method: Fact<Text>[]): Record<string, unknown> =>
  load(program, testRequest({ target, method: method.length === 0 ? "GET" : method[0] }));

describe("method", () => {
  test.each<[Fact<Text>, unknown]>([
    ["GET", "GET"],
    ["get", "get"],
    ["M-SEARCH", "M-SEARCH"],
    ["!#$%&'*+-.^_`|~09azAZ", "!#$%&'*+-.^_`|~09azAZ"],
    [new TextEncoder().encode("PUT"), "PUT"],
    ["A".repeat(16384), "A".repeat(16384)],
    ["A".repeat(16385), invalid],
    [undefined, invalid],
    [undelivered, invalid],
    ["", invalid],
    ["GET ", invalid],
    [" GET", invalid],
    ["G(T", invalid],
    ["GÉT", invalid],
    ["GET\u0000", invalid],
    ["GET/", invalid],
    [Uint8Array.from([0x47, 0xff]), invalid],
  ])("%#: %s", (method, want) => {
    const facts = loaded("/orders/7", method);
    expect(facts["request.method"]).toBe(want);
    if (want === invalid) expect([facts["resource.type"], facts.id]).toEqual([invalid, invalid]);
    expect(facts["request.path"]).toBe("/orders/7");
    const loader = createSlotLoader(testProgram({ slots: [] }));
    loader.load(testRequest({ method }), new Slots(0));
    expect(loader.methodInvalid).toBe(want === invalid);
  });
});

describe("path", () => {
  const limit = "/" + "a".repeat(16383);
  test.each([
    "/",
    "/a",
    "/a/",
    "/a/b.c/...",
    "/.a/a.",
    "/..a/a..",
    "/%41",
    "/%20",
    "/%23",
    "/%3B",
    "/%3b",
    "/%3F",
    "/%25",
    "/%252e%252e",
    "/%252F",
    "/%7F",
    "/%0a",
    "/%c3%a9",
    "/%F0%9F%98%80",
    "/a=b&c+d:e@f!$'()*,-_~",
    "/{}",
    '/"<>^`|[]',
    limit,
  ])("%s is valid", (path) => {
    expect(loaded(path)["request.path"]).toBe(path);
    if (path.length < 16000) expect(loaded(`${path}?x`)["request.path"]).toBe(path);
  });

  test.each<[string, Fact<Text>]>([
    ["missing", undefined],
    ["undelivered", undelivered],
    ["empty", ""],
    ["over the limit", limit + "a"],
    ["over the limit in bytes", "/" + "é".repeat(8192)],
    ["asterisk", "*"],
    ["absolute", "http://a/b"],
    ["authority", "a:443"],
    ["relative", "a"],
    ["only a query", "?a=1"],
    ["a blank before", " /a"],
    ["//", "//"],
    ["// before", "//a"],
    ["// inside", "/a//b"],
    ["// behind", "/a//"],
    [".", "/."],
    ["..", "/.."],
    ["./", "/./a"],
    ["../", "/a/../b"],
    [".. behind", "/a/.."],
    [".. and slash", "/a/../"],
    ["%2e", "/%2e"],
    ["%2E", "/a/%2E/b"],
    ["%2e%2e", "/%2e%2e/a"],
    [".%2e", "/.%2e"],
    ["%2E.", "/a/%2E."],
    ["%2F", "/a%2Fb"],
    ["%2f", "/a%2fb"],
    ["%5C", "/a%5Cb"],
    ["%5c", "/a%5cb"],
    ["%00", "/a%00"],
    ["\\", "/a\\b"],
    [";", "/a;b=c"],
    ["blank", "/a b"],
    ["zero byte", "/a\u0000"],
    ["tab", "/a\tb"],
    ["line feed", "/a\n"],
    ["0x7F", "/a\u007f"],
    ["above 0x7F", "/é"],
    ["a raw byte", Uint8Array.from([0x2f, 0xff])],
    ["% alone", "/%"],
    ["% and a digit", "/%4"],
    ["% cut off by the query", "/%4?1"],
    ["no digits", "/%zz"],
    ["half", "/%4g"],
    ["%-1", "/%-1"],
    ["not UTF-8", "/%ff"],
    ["overlong", "/%c0%af"],
    ["a surrogate", "/%ed%a0%80"],
    ["a character over a segment's end", "/%c3/%a9"],
    ["cut off", "/%c3"],
    ["lone surrogate", "/\ud800"],
  ])("%s is invalid", (_, target) => {
    const facts = loaded(target);
    expect([facts["request.path"], facts["resource.type"], facts.id, facts.year]).toEqual([
      invalid,
      invalid,
      invalid,
      invalid,
    ]);
    const loader = createSlotLoader(testProgram({ slots: [] }));
    loader.load(testRequest({ target }), new Slots(0));
    expect(loader.pathInvalid).toBe(true);
  });

  test("a # anywhere", () => {
    for (const target of ["/a#b", "/a#b?q=1", "/a?q=1#b", "/#", "/a?#"]) {
      const { "request.method": method, "request.host": host, ...rest } = loaded(target);
      expect([method, host]).toEqual(["GET", absent]);
      expect(Object.values(rest)).toEqual([invalid, invalid, invalid, invalid, invalid, invalid]);
    }
  });
});

describe("query", () => {
  test.each<[string, unknown, unknown]>([
    ["/a", "", absent],
    ["/a?", "", absent],
    ["/a?q=1", "q=1", "1"],
    ["/a?q=1?q=2", "q=1?q=2", "1?q=2"],
    ["/a??q=1", "?q=1", absent],
    ["/a?q=%zz", "q=%zz", invalid],
    ["/a?q=a/../b;c\\", "q=a/../b;c\\", "a/../b;c\\"],
    ["/..?q=1", "q=1", "1"],
    ["*?q=1", "q=1", "1"],
    ["?q=1", "q=1", "1"],
    ["/a?q=a b", invalid, invalid],
    ["/a?q=\u007f", invalid, invalid],
    ["/a?q=é", invalid, invalid],
    ["/a?\t", invalid, invalid],
  ])("%s", (target, query, q) => {
    const facts = loaded(target);
    expect([facts["request.query"], facts.q]).toEqual([query, q]);
  });

  test.each<Fact<Text>>([undefined, undelivered, "", "/".repeat(16385)])(
    "%#: without a target there is none",
    (target) => {
      expect([loaded(target)["request.query"], loaded(target).q]).toEqual([invalid, invalid]);
    },
  );
});

describe("resources", () => {
  test.each<[string, string | null, unknown, unknown]>([
    // method and target, resource, id, year
    ["GET /", "root", absent, absent],
    ["GET /?a", "root", absent, absent],
    ["GET /orders", "orders", absent, absent],
    ["GET /orders/", "orders", absent, absent],
    ["POST /orders", "orders", absent, absent],
    ["GET /Orders", "anything", absent, absent],
    ["POST /else", "orders.create", absent, absent],
    ["post /else", "anything", absent, absent],
    ["GET /orders/mine", "order.mine", absent, absent],
    ["GET /orders/m%69ne/", "order.mine", absent, absent],
    ["GET /orders/7", "order.read", "7", absent],
    ["PUT /orders/7", "order", "7", absent],
    ["GET /%6frders/7", "order.read", "7", absent],
    ["GET /orders/a%20b%2525", "order.read", "a b%25", absent],
    ["GET /orders/%C3%BC", "order.read", "ü", absent],
    ["GET /orders/a+b", "order.read", "a+b", absent],
    ["GET /reports/2024/1", "report.first", absent, 2024],
    ["GET /reports/2024/2", "report", "2", 2024],
    ["GET /reports/x/2", "report", "2", invalid],
    ["GET /reports/x/2/3", null, absent, absent],
    ["GET /a%20b/c/%c3%bc/%25/x%3by", "spaced", "x;y", absent],
    ["GET /a/b/c/d/e/f/g", null, absent, absent],
  ])("%s", (line, want, id, year) => {
    const [method, target] = line.split(" ");
    const facts = loaded(target, method);
    expect([facts["resource.type"], facts.id, facts.year]).toEqual([want, id, year]);
  });

  const wild = testProgram({
    slots: [
      { name: "resource.type", type: "resource", source: "builtin" },
      { name: "id", type: "string", source: "capture" },
    ],
    resources: {
      "files.one": "/files/*",
      "files.index": "/files/**/index",
      "files.last": "/files/**/{id}",
      "files.all": "/files/**",
      "any.tail": "/*/{id}/**/x/y",
      "any.first": "/{id}/**",
    },
  });
  test.each<[string, string, unknown]>([
    ["/files", "files.all", absent],
    ["/files/a", "files.one", absent],
    ["/files/a/index/", "files.index", absent],
    ["/files/index/a", "files.last", "a"],
    ["/a/b/x/y", "any.tail", "b"],
    ["/a/b/c/d/x/y", "any.tail", "b"],
    ["/a/x/y", "any.first", "a"],
    ["/a", "any.first", "a"],
    [`/a${"/b".repeat(8191)}`, "any.first", "a"],
  ])("%s is %s", (path, name, id) => {
    const slots = load(wild, testRequest({ target: path, method: "GET" }));
    expect(slots).toEqual({ "resource.type": name, id });
  });
  test("a program without resources has none that matches", () => {
    const bare = testProgram({ slots: [{ name: "resource.type", type: "resource", source: "builtin" }] });
    expect(load(bare, testRequest({ target: "/" }))["resource.type"]).toBeNull();
    expect(load(bare, testRequest({ target: "/a/b" }))["resource.type"]).toBeNull();
  });
});

describe("host", () => {
  test.each<[Fact<Text>, unknown]>([
    [undefined, absent],
    [undelivered, invalid],
    ["", invalid],
    ["example.com", "example.com"],
    ["EXAMPLE.Com", "example.com"],
    ["example.com.", "example.com"],
    ["example.com:443", "example.com"],
    ["example.com.:443", "example.com"],
    ["example.com:", "example.com"],
    ["example.com:00080", "example.com"],
    ["example.com:65535", "example.com"],
    ["example.com:65536", invalid],
    ["example.com:000080", invalid],
    ["example.com:99999", invalid],
    ["example.com:8a", invalid],
    ["example.com:80:80", invalid],
    ["example.com:80.", invalid],
    ["example.com:+1", invalid],
    ["example.com: 80", invalid],
    ["example.com..", invalid],
    ["example..com", invalid],
    [".example.com", invalid],
    [".", invalid],
    ["..", invalid],
    [":80", invalid],
    [".:80", invalid],
    ["a", "a"],
    ["-a_b-.1", "-a_b-.1"],
    ["10.0.0.1:80", "10.0.0.1"],
    ["a b", invalid],
    [" a", invalid],
    ["a ", invalid],
    ["a/b", invalid],
    ["user@a", invalid],
    ["a,b", invalid],
    ["a%2eb", invalid],
    ["ä.de", invalid],
    ["\u212a.de", invalid],
    ["a\u0000", invalid],
    ["*.a", invalid],
    ["[::1]", "[::1]"],
    ["[2001:DB8::A]:8443", "[2001:db8::a]"],
    ["[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"],
    ["[0:0:0:0:0:0:0:1]", "[0:0:0:0:0:0:0:1]"],
    ["[::1]:", "[::1]"],
    ["[::1]:65536", invalid],
    ["[::1].", invalid],
    ["[::1]a", invalid],
    ["[::1", invalid],
    ["::1", invalid],
    ["[]", invalid],
    ["[1.2.3.4]", invalid],
    ["[fe80::1%eth0]", invalid],
    ["[v1.a]", invalid],
    ["[[::1]]", invalid],
    ["a".repeat(16384), "a".repeat(16384)],
    ["a".repeat(16385), invalid],
    [new TextEncoder().encode("A.b:1"), "a.b"],
    [Uint8Array.from([0x61, 0xff]), invalid],
  ])("%#: %s", (host, want) => {
    expect(load(program, testRequest({ host }))["request.host"]).toBe(want);
    const loader = createSlotLoader(testProgram({ slots: [] }));
    loader.load(testRequest({ host }), new Slots(0));
    expect(loader.hostInvalid).toBe(want === invalid);
  });
});
