import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SpelledNumber } from "./attributes.ts";
import { absent, invalid, load, testProgram } from "./fixtures.ts";
import { checkAttributeNames, parseNeutralRequest } from "./json-form.ts";
import { type NeutralRequest, undelivered } from "./neutral.ts";

function parsed(text: unknown): NeutralRequest {
  const result = parseNeutralRequest(text);
  if (!result.ok) throw new Error(result.errors.join("\n"));
  return result.request;
}

const errors = (value: unknown): readonly string[] => {
  const result = parseNeutralRequest(value);
  return result.ok ? [] : result.errors;
};

const EVERYTHING = `{
  "request": {
    "method": "POST", "path": "/a?b=c", "host": "h", "scheme": "https", "protocol": "HTTP/2", "size": 12,
    "headers": {"Accept": "a, b", "x-two": ["1", "2"], "x-none": [], "accept": "c"},
    "body": {"a": 1.0, "a": 2, "big": 123456789012345678901234567890}
  },
  "source": {"ip": "10.0.0.1", "port": 1, "principal": "p"},
  "destination": {"ip": "::1", "port": 65535, "principal": "q"},
  "connection": {"mtls": true, "requested_server_name": "n", "tls_version": "v", "subject_peer_certificate": "s", "uri_san_peer_certificate": "u",
    "dns_san_peer_certificate": "d", "sha256_peer_certificate_digest": "x"},
  "extensions": {"tier": "gold"},
  "attributes": {"a.b": null, "n": 7, "list": [1, "x", {"k": false}], "whole": 1.0, "big": 9007199254740993}
}`;

describe("what is read", () => {
  test("everything", () => {
    const { body, ...rest } = parsed(EVERYTHING);
    expect(rest).toEqual({
      method: "POST",
      target: "/a?b=c",
      host: "h",
      scheme: "https",
      protocol: "HTTP/2",
      size: 12,
      headers: [
        { name: "Accept", value: "a, b" },
        { name: "x-two", value: "1" },
        { name: "x-two", value: "2" },
        { name: "accept", value: "c" },
      ],
      headersJoined: false,
      source: { ip: "10.0.0.1", port: 1, principal: "p" },
      destination: { ip: "::1", port: 65535, principal: "q" },
      connection: {
        mtls: true,
        requestedServerName: "n",
        tlsVersion: "v",
        subjectPeerCertificate: "s",
        uriSanPeerCertificate: "u",
        dnsSanPeerCertificate: "d",
        sha256PeerCertificateDigest: "x",
      },
      extensions: new Map([["tier", "gold"]]),
      attributes: new Map<string, unknown>([
        ["a.b", null],
        ["n", 7],
        ["list", [1, "x", { k: false }]],
        ["whole", new SpelledNumber("1.0")],
        ["big", 9007199254740992],
      ]),
    });
    if (body.kind !== "bytes") throw new Error("no bytes");
    expect(new TextDecoder().decode(body.bytes)).toBe(
      '{"a": 1.0, "a": 2, "big": 123456789012345678901234567890}',
    );
    expect(body.json).toBe(true);
  });

  test("nothing is absent", () => {
    const request = parsed("{}");
    expect(request.body).toEqual({ kind: "empty" });
    expect(request.headers).toEqual([]);
    expect([
      request.method,
      request.size,
      request.source.ip,
      request.connection.mtls,
      request.attributes,
    ]).toEqual([undefined, 0, undefined, undefined, undefined]);
  });

  test("null is left out", () => {
    const nothing =
      '{"request":{"method":null,"size":null,"headers":null,"body":null},"source":null,"connection":{"mtls":null}}';
    expect(parsed(nothing)).toEqual(parsed("{}"));
    expect(parsed('{"request":{"body":null,"body_base64":"AP8="}}').body.kind).toBe("bytes");
  });

  test.each<[string, unknown]>([
    ['{"size":7,"headers":{"content-length":"3"},"body":"ab"}', 7],
    ['{"headers":{"Content-Length":" 3 "},"body":"ab"}', 3],
    ['{"headers":{"content-length":["3","3"]}}', undelivered],
    ['{"headers":{"content-length":"3x"},"body":"ab"}', undelivered],
    ['{"headers":{"content-length":"-0"}}', undelivered],
    ['{"headers":{"content-length":"03"},"body":"abc"}', undelivered],
    ['{"headers":{"content-length":[]},"body":"é"}', 2],
    ['{"body_base64":"AP8="}', 2],
    ['{"body":{"a": 1}}', 8],
    ['{"method":"GET"}', 0],
  ])("the size of %s", (request, want) => {
    expect(parsed(`{"request":${request}}`).size).toBe(want);
  });

  test("a value that was parsed already", () => {
    expect(
      parsed({ request: { method: "GET", body: { a: [1] } }, attributes: { a: undefined, b: 1 } }),
    ).toEqual(parsed('{"request":{"method":"GET","body":{"a":[1]}},"attributes":{"b":1}}'));
    expect(parsed(new TextEncoder().encode('{"source":{"port":7}}')).source.port).toBe(7);
  });

  test.each<[string, NeutralRequest["body"]["kind"], string, boolean]>([
    ['"body":""', "bytes", "", false],
    ['"body":"a=\\u0062\\n"', "bytes", "a=b\n", false],
    ['"body":"{\\"a\\":1,\\"a\\":2}"', "bytes", '{"a":1,"a":2}', false],
    ['"body":[ 1 , {"x":"\\u0061"} ]', "bytes", '[ 1 , {"x":"\\u0061"} ]', true],
    ['"body":{}', "bytes", "{}", true],
    ['"body_base64":"AP8="', "bytes", "\u0000\ufffd", false],
    ['"body_base64":""', "bytes", "", false],
  ])("%s", (member, kind, text, json) => {
    const { body } = parsed(`{"request":{${member}}}`);
    expect(body.kind).toBe(kind);
    if (body.kind !== "bytes") return;
    expect([new TextDecoder().decode(body.bytes), body.json === true]).toEqual([text, json]);
  });
});

describe("mistakes", () => {
  test.each<[string, string[]]>([
    ['{"reqest":{}}', ["`reqest` is unknown: did you mean `request`?"]],
    ['{"request":{"metod":"GET"}}', ["`request.metod` is unknown: did you mean `request.method`?"]],
    [
      '{"connection":{"sni":"a"}}',
      [
        "`connection.sni` is unknown: known are mtls, requested_server_name, tls_version, subject_peer_certificate, uri_san_peer_certificate, dns_san_peer_certificate, sha256_peer_certificate_digest",
      ],
    ],
    [
      '{"source":{"adress":"a"},"destination":{"prot":1}}',
      [
        "`source.adress` is unknown: known are ip, port, principal",
        "`destination.prot` is unknown: did you mean `destination.port`?",
      ],
    ],
    [
      '{"request":{"method":7,"path":{},"host":[]}}',
      ["`request.method` must be text", "`request.path` must be text", "`request.host` must be text"],
    ],
    ['{"request":{"size":"1"}}', ["`request.size` must be a whole number from 0 to 9007199254740991"]],
    ['{"request":{"size":1.0}}', ["`request.size` must be a whole number from 0 to 9007199254740991"]],
    [
      '{"source":{"port":65536},"destination":{"port":-1}}',
      [
        "`source.port` must be a whole number from 0 to 65535",
        "`destination.port` must be a whole number from 0 to 65535",
      ],
    ],
    ['{"connection":{"mtls":"true"}}', ["`connection.mtls` must be true or false"]],
    [
      '{"request":{"headers":{"a":1,"b":["x",2],"c":null}}}',
      [
        "`request.headers.a` must be text or a list of texts",
        "`request.headers.b[1]` must be text or a list of texts",
        "`request.headers.c` must be text or a list of texts",
      ],
    ],
    [
      '{"request":{"headers":{":path":"/","Host":"a","b c":"d","":"e"}}}',
      [
        "`request.headers.:path` is a pseudo header: give `request.method`, `request.path`, `request.host` or `request.scheme` instead",
        "`request.headers.Host` is no header here: give `request.host` instead",
        "`request.headers.b c` is no header name",
        "`request.headers.` is no header name",
      ],
    ],
    ['{"request":{"body":7}}', ["`request.body` must be text, an object or an array"]],
    ["null", ["the request must be an object"]],
    [
      '{"request":{"body":"","body_base64":""}}',
      ["`request.body_base64` is given besides `request.body`: give one of them"],
    ],
    ['{"request":{"body_base64":"AP8"}}', ["`request.body_base64` must be base64 with padding"]],
    ['{"request":{"body_base64":"A P8="}}', ["`request.body_base64` must be base64 with padding"]],
    [
      '{"request":[],"source":"a","extensions":{"a":1},"attributes":[]}',
      [
        "`request` must be an object",
        "`attributes` must be an object",
        "`source` must be an object",
        "`extensions.a` must be text",
      ],
    ],
    ['{"request":{},"request":{}}', ["`request` is given twice"]],
    ['{"request":{"path":"/","p\\u0061th":"/x"}}', ["`request.path` is given twice"]],
    ['{"request":{"headers":{"a":"1","a":"2"}}}', ["`request.headers.a` is given twice"]],
    [
      '{"attributes":{"a":{"b":[{"c":1,"c":2}]},"a":1}}',
      ["`attributes.a` is given twice", "`attributes.a.b[0].c` is given twice"],
    ],
    ["[]", ["the request must be an object"]],
    ["7", ["the request must be an object"]],
    ["", ["not valid JSON at line 1, column 1"]],
    ['{"request":{}\n "é":,}', ["not valid JSON at line 2, column 2"]],
    ['{"request":{"path":"\\ud800"}}', ["not valid JSON at line 1, column 21"]],
    ["{'request':{}}", ["not valid JSON at line 1, column 2"]],
    ["\ufeff{}", ["not valid JSON at line 1, column 1"]],
    ['{"a":1} // no', ["not valid JSON at line 1, column 9"]],
  ])("%s", (text, want) => {
    expect(errors(text)).toEqual(want);
  });

  test("what is no JSON value", () => {
    const cycle: Record<string, unknown> = {};
    cycle.request = cycle;
    for (const value of [undefined, cycle, 1n, () => 1])
      expect(errors(value)).toEqual(["the request is no JSON value"]);
  });
});

test("a body survives as written and is judged by the rules for bodies", () => {
  const program = testProgram({ slots: [{ name: "a", type: "int", source: "body", argument: "/a" }] });
  const a = (body: string): unknown =>
    load(program, parsed(`{"request":{"method":"GET","path":"/","body":${body}}}`)).a;
  expect(a('{"a":1}')).toBe(1);
  expect(a('{"a":1.0}')).toBe(invalid);
  expect(a('{"a":1,"a":1}')).toBe(invalid);
  expect(a('{"a":1,"A":1}')).toBe(invalid);
  expect(a('{"a":9007199254740992}')).toBe(invalid);
  expect(a('{"b":1}')).toBe(absent);
  expect(a(`{"a":1,"b":${"[".repeat(64)}${"]".repeat(64)}}`)).toBe(invalid);
  expect(a('"{\\"a\\":1}"')).toBe(invalid);
});

test("attributes keep their spelling", () => {
  const program = testProgram({
    slots: [
      { name: "i", type: "int", source: "extension" },
      { name: "f", type: "float", source: "extension" },
    ],
  });
  const both = (spelling: string): unknown[] => {
    const facts = load(program, parsed(`{"attributes":{"i":${spelling},"f":${spelling}}}`));
    return [facts.i, facts.f];
  };
  expect(both("1")).toEqual([1, 1]);
  expect(both("1.0")).toEqual([invalid, 1]);
  expect(both("1e2")).toEqual([invalid, 100]);
  expect(both("1.5")).toEqual([invalid, 1.5]);
  expect(both("9007199254740993")).toEqual([invalid, 9007199254740992]);
  expect(both("1e400")).toEqual([invalid, invalid]);
  expect(both(`1.${"0".repeat(127)}`)).toEqual([invalid, invalid]);
  expect(both("null")).toEqual([absent, absent]);
  expect(both('"1"')).toEqual([invalid, invalid]);
});

test("checkAttributeNames", () => {
  const program = testProgram({
    slots: [
      { name: "order.total", type: "int", source: "body", argument: "/total" },
      { name: "unread", type: "int", source: "body", argument: "/unread", read: false },
      { name: "request.path", type: "string", source: "builtin" },
    ],
  });
  const check = (attributes: Record<string, unknown>): string[] =>
    checkAttributeNames(parsed({ attributes }), program);
  expect(check({ "order.total": 1, unread: 2 })).toEqual([]);
  expect(check({ "order.totl": 1 })).toEqual([
    "attribute `order.totl` is not declared: did you mean `order.total`?",
  ]);
  expect(check({ nothing: null })).toEqual([
    "attribute `nothing` is not declared: declare it in the policy text",
  ]);
  expect(check({ "request.path": "/", "source.ip": "::1" })).toEqual([
    "attribute `request.path` is built in: give it as a part of the request",
    "attribute `source.ip` is built in: give it as a part of the request",
  ]);
  expect(checkAttributeNames(parsed("{}"), program)).toEqual([]);
});

describe("docs/request.schema.json", () => {
  const schema: Schema = JSON.parse(
    readFileSync(new URL("../../docs/request.schema.json", import.meta.url), "utf8"),
  );

  test("accepts the example", () => {
    expect(fits(schema, JSON.parse(EVERYTHING), schema)).toBe(true);
  });

  test("agrees with the reader, for documents that are right or nearly so", () => {
    const text = fc.constantFrom<unknown>("", "a", "/x", "AP8=");
    const wrong = fc.constantFrom<unknown>(null, 7, 1.5, -1, 65536, true, [], {}, "a", ["a", "b"], ["a", 1], {
      a: 1,
    });
    const mostly = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
      fc.oneof({ weight: 60, arbitrary: value }, { weight: 1, arbitrary: wrong });
    const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
      mostly(
        fc.record(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, mostly(value)])), {
          requiredKeys: [],
        }),
      );
    const headers = fc.dictionary(
      fc.constantFrom("a", "X-B", "x_c", "hosts", ...Array(4).fill("b"), "HOST", ":path", "a b", "é", ""),
      fc.oneof(text, fc.array(text)),
      { maxKeys: 2 },
    );
    const peer = some({ ip: text, port: fc.integer({ min: 0, max: 65535 }), principal: text });
    const names = (list: string): Record<string, fc.Arbitrary<unknown>> =>
      Object.fromEntries(list.split(" ").map((name) => [name, text]));
    const body = fc.oneof(text, fc.constantFrom<unknown>({ a: 1 }, [1]));
    const document = some({
      request: some({
        ...names("method path host scheme protocol"),
        size: fc.nat(),
        headers,
        body,
        body_base64: fc.constantFrom<unknown>("", "AP8=", "AP8"),
      }),
      source: peer,
      destination: peer,
      connection: some({
        mtls: fc.boolean(),
        ...names(
          "requested_server_name tls_version subject_peer_certificate uri_san_peer_certificate dns_san_peer_certificate sha256_peer_certificate_digest",
        ),
      }),
      extensions: fc.dictionary(fc.constantFrom("a", "b"), text),
      attributes: fc.dictionary(fc.constantFrom("a", "b"), wrong),
    });
    let right = 0;
    fc.assert(
      fc.property(document, (value) => {
        const accepted = parseNeutralRequest(value).ok;
        if (accepted) right++;
        expect(fits(schema, value, schema)).toBe(accepted);
      }),
      { numRuns: 1000 },
    );
    expect(right).toBeGreaterThan(50);
  });
});

interface Schema {
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly not?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The words of JSON Schema that the file uses (and no others: see the first line). */
function fits(schema: Schema, value: unknown, root: Schema): boolean {
  const known =
    "$schema $defs $ref title description type properties additionalProperties propertyNames required items anyOf not pattern minimum maximum contentEncoding";
  for (const word of Object.keys(schema))
    if (!known.split(" ").includes(word)) throw new Error(`\`${word}\` is not checked`);
  const inner = (each: Schema, of: unknown): boolean => fits(each, of, root);
  if (schema.$ref !== undefined && !inner(root.$defs![schema.$ref.slice("#/$defs/".length)]!, value))
    return false;
  if (
    schema.type !== undefined &&
    ![schema.type].flat().some((type) => typeOf(value).includes(type as string))
  )
    return false;
  if (schema.anyOf?.every((each) => !inner(each, value)) || (schema.not && inner(schema.not, value)))
    return false;
  if (typeof value === "string") return new RegExp(schema.pattern ?? "", "u").test(value);
  if (typeof value === "number")
    return value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity);
  if (Array.isArray(value)) return value.every((element) => inner(schema.items ?? {}, element));
  if (typeof value !== "object" || value === null) return true;
  if (schema.required?.some((name) => !Object.hasOwn(value, name))) return false;
  return Object.entries(value).every(([name, member]) => {
    const rest = schema.additionalProperties ?? true;
    const property = schema.properties?.[name] ?? (typeof rest === "boolean" ? null : rest);
    return (
      inner(schema.propertyNames ?? {}, name) && (property === null ? rest === true : inner(property, member))
    );
  });
}

function typeOf(value: unknown): string[] {
  if (value === null) return ["null"];
  if (Array.isArray(value)) return ["array"];
  return typeof value === "number" && Number.isInteger(value) ? ["number", "integer"] : [typeof value];
}
