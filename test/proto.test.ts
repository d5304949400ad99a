/**
 * Our .proto files against the descriptors of Envoy's API that the package `@grpc/grpc-js-xds` ships, and the shape of
 * decoded messages that `proto/messages.ts` promises.
 */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { describe, expect, it } from "vitest";
import * as proto from "../proto/index.ts";

interface Field {
  name: string;
  number: number;
  label: string;
  type: string;
  typeName: string;
}

/** The parts of a DescriptorProto or EnumDescriptorProto that are compared. */
interface Descriptor {
  name: string;
  field?: Field[];
  nestedType?: Descriptor[];
  enumType?: Descriptor[];
  value?: { name: string; number: number }[];
  options?: { mapEntry?: boolean } | null;
}

type Descriptors = Record<string, Descriptor>;

/** One line for each field, enum value and method: its full name, and what the wire depends on. */
type Facts = Map<string, string>;

/** Envoy's newer fields, which the shipped descriptors do not have yet. */
const newerFields: Readonly<Record<string, string>> = {
  // Envoy 1.37, envoy/service/auth/v3/external_auth.proto.
  "envoy.service.auth.v3.CheckResponse.error_response":
    "5 LABEL_OPTIONAL TYPE_MESSAGE envoy.service.auth.v3.DeniedHttpResponse",
};

/** The package has no health protocol: its facts, from github.com/grpc/grpc-proto grpc/health/v1/health.proto. */
const healthFacts: Readonly<Record<string, string>> = {
  "grpc.health.v1.Health/Check": "HealthCheckRequest -> HealthCheckResponse",
  "grpc.health.v1.Health/Watch": "HealthCheckRequest -> stream HealthCheckResponse",
  "grpc.health.v1.HealthCheckRequest.service": "1 LABEL_OPTIONAL TYPE_STRING ",
  "grpc.health.v1.HealthCheckResponse.status":
    "1 LABEL_OPTIONAL TYPE_ENUM grpc.health.v1.HealthCheckResponse.ServingStatus",
  "grpc.health.v1.HealthCheckResponse.ServingStatus.UNKNOWN": "0",
  "grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING": "1",
  "grpc.health.v1.HealthCheckResponse.ServingStatus.NOT_SERVING": "2",
  "grpc.health.v1.HealthCheckResponse.ServingStatus.SERVICE_UNKNOWN": "3",
};

const require = createRequire(import.meta.url);
const shipped = join(dirname(require.resolve("@grpc/grpc-js-xds/package.json")), "deps");
const shippedFolders = ["envoy-api", "googleapis", "protoc-gen-validate", "xds"].map((name) =>
  join(shipped, name),
);

const ours = loadSync([...proto.protoFiles], { keepCase: true, includeDirs: [proto.protoFolder] });
const theirs = loadSync(["envoy/service/auth/v3/external_auth.proto"], {
  keepCase: true,
  includeDirs: shippedFolders,
});

const ourDescriptors = descriptorsOf(ours);
const theirDescriptors = descriptorsOf(theirs);
const envoyDescriptors = Object.fromEntries(
  Object.entries(ourDescriptors).filter(([name]) => !name.startsWith("grpc.health.")),
);

describe("our .proto files", () => {
  it("say the same as Envoy's own, field by field", () => {
    const facts = factsOf(envoyDescriptors);
    expect(facts.size).toBeGreaterThan(120);
    expect([...facts.values()].filter((fact) => fact.includes("unresolved"))).toEqual([]);
    expect(differences(facts, factsOf(theirDescriptors), newerFields)).toEqual([]);
  });

  it("declare the messages that are spoken of, at the top and nested", () => {
    const names = [...factsOf(ourDescriptors).keys()];
    const told = [
      "envoy.service.auth.v3.AttributeContext.HttpRequest.header_map",
      "envoy.service.auth.v3.AttributeContext.HttpRequest.headers",
      "envoy.service.auth.v3.AttributeContext.Peer.principal",
      "envoy.service.auth.v3.OkHttpResponse.headers_to_remove",
      "envoy.config.core.v3.HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD",
      "envoy.config.core.v3.HeaderValueOption.keep_empty_value",
      "envoy.type.v3.StatusCode.Forbidden",
      "google.rpc.Status.code",
      "google.protobuf.Struct.fields",
    ];
    expect(names).toEqual(expect.arrayContaining(told));
  });

  it("declare the method as Envoy calls it", () => {
    const method = "envoy.service.auth.v3.Authorization";
    expect(methodsOf(ours, method)).toEqual(methodsOf(theirs, method));
    expect(methodsOf(ours, method)).toEqual(new Map([[`${method}/Check`, "CheckRequest -> CheckResponse"]]));
  });

  it("declare the health protocol of gRPC", () => {
    const health = Object.entries(ourDescriptors).filter(([name]) => name.startsWith("grpc.health."));
    const facts = factsOf(Object.fromEntries(health));
    for (const [name, fact] of methodsOf(ours, "grpc.health.v1.Health")) facts.set(name, fact);
    expect(Object.fromEntries(facts)).toEqual(healthFacts);
  });

  it("agree with the numbers in messages.ts", () => {
    const numbers = {
      "envoy.config.core.v3.HeaderValueOption.HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD":
        proto.APPEND_IF_EXISTS_OR_ADD,
      "envoy.config.core.v3.HeaderValueOption.HeaderAppendAction.ADD_IF_ABSENT": proto.ADD_IF_ABSENT,
      "envoy.config.core.v3.HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD":
        proto.OVERWRITE_IF_EXISTS_OR_ADD,
      "envoy.config.core.v3.HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS":
        proto.OVERWRITE_IF_EXISTS,
      "grpc.health.v1.HealthCheckResponse.ServingStatus.UNKNOWN": proto.HEALTH_UNKNOWN,
      "grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING": proto.HEALTH_SERVING,
      "grpc.health.v1.HealthCheckResponse.ServingStatus.NOT_SERVING": proto.HEALTH_NOT_SERVING,
      "grpc.health.v1.HealthCheckResponse.ServingStatus.SERVICE_UNKNOWN": proto.HEALTH_SERVICE_UNKNOWN,
    };
    const facts = factsOf(ourDescriptors);
    for (const [name, number] of Object.entries(numbers))
      expect([name, facts.get(name)]).toEqual([name, String(number)]);
  });
});

describe("the comparison", () => {
  const request = "envoy.service.auth.v3.AttributeContext";
  const http = `${request}.HttpRequest`;
  const cases: { name: string; mutate: (copy: Descriptors) => void; want: string }[] = [
    {
      name: "a field number",
      mutate: (copy) => {
        fieldOf(copy, request, "HttpRequest", "path").number = 99;
      },
      want: `${http}.path: 4 LABEL_OPTIONAL TYPE_STRING  here, 99 LABEL_OPTIONAL TYPE_STRING  there`,
    },
    {
      name: "a type",
      mutate: (copy) => {
        fieldOf(copy, request, "HttpRequest", "size").type = "TYPE_UINT32";
      },
      want: `${http}.size: 9 LABEL_OPTIONAL TYPE_INT64  here, 9 LABEL_OPTIONAL TYPE_UINT32  there`,
    },
    {
      name: "a label",
      mutate: (copy) => {
        fieldOf(copy, request, "Peer", "principal").label = "LABEL_REPEATED";
      },
      want: `${request}.Peer.principal: 4 LABEL_OPTIONAL TYPE_STRING  here, 4 LABEL_REPEATED TYPE_STRING  there`,
    },
    {
      name: "the type of a map's values",
      mutate: (copy) => {
        fieldOf(copy, request, "Context_extensions", "value").type = "TYPE_BYTES";
      },
      want: `${request}.Context_extensions.value: 2 LABEL_OPTIONAL TYPE_STRING  here, 2 LABEL_OPTIONAL TYPE_BYTES  there`,
    },
    {
      name: "an enum value",
      mutate: (copy) => {
        const value = found(copy["envoy.type.v3.StatusCode"]?.value, (one) => one.name === "Forbidden");
        value.number = 200;
      },
      want: "envoy.type.v3.StatusCode.Forbidden: 403 here, 200 there",
    },
    {
      name: "a missing message",
      mutate: (copy) => {
        delete copy["envoy.config.core.v3.HeaderMap"];
      },
      want: "envoy.config.core.v3.HeaderMap.headers: 1 LABEL_REPEATED TYPE_MESSAGE envoy.config.core.v3.HeaderValue here, nothing there",
    },
    {
      name: "a missing nested message",
      mutate: (copy) => {
        const context = found([copy[request]], (one) => one !== undefined) as Descriptor;
        context.nestedType = (context.nestedType ?? []).filter((one) => one.name !== "TLSSession");
      },
      want: `${request}.TLSSession.sni: 1 LABEL_OPTIONAL TYPE_STRING  here, nothing there`,
    },
  ];

  it.each(cases)("reports $name that differs", ({ mutate, want }) => {
    const copy = structuredClone(theirDescriptors);
    mutate(copy);
    expect(differences(factsOf(envoyDescriptors), factsOf(copy), newerFields)).toContain(want);
  });

  it("reports a newer field that is wrong, gone, or no longer newer", () => {
    const name = "envoy.service.auth.v3.CheckResponse.error_response";
    const facts = factsOf(envoyDescriptors);
    const there = factsOf(theirDescriptors);
    expect(differences(facts, there, { [name]: "6 LABEL_OPTIONAL TYPE_MESSAGE X" })[0]).toContain(name);
    expect(differences(facts, there, {})[0]).toContain(name);
    expect(differences(facts, new Map([...there, ...Object.entries(newerFields)]), newerFields)).toEqual([
      `${name}: listed as newer, but it is there`,
    ]);
    expect(differences(new Map(), there, newerFields)).toEqual([
      `${name}: listed as newer, but not used here`,
    ]);
  });
});

describe("decoded messages", () => {
  const { authorization, health } = proto.loadServices();
  const throughWire = (request: proto.CheckRequest): proto.CheckRequest =>
    authorization.Check.requestDeserialize(authorization.Check.requestSerialize(request));
  const answered = (response: proto.CheckResponse): proto.CheckResponse =>
    authorization.Check.responseDeserialize(authorization.Check.responseSerialize(response));

  const requests: { name: string; input: proto.CheckRequest }[] = [
    { name: "nothing", input: {} },
    { name: "no http block", input: { attributes: { source: {}, request: {} } } },
    { name: "an empty http block", input: { attributes: { request: { http: {} } } } },
    { name: "an empty header map", input: { attributes: { request: { http: { header_map: {} } } } } },
    { name: "an unknown size", input: { attributes: { request: { http: { size: -1 } } } } },
    {
      name: "bytes that are not UTF-8, and repeated names",
      input: {
        attributes: {
          request: {
            http: {
              header_map: {
                headers: [
                  { key: "x-a", raw_value: Buffer.of(0xff, 0x00) },
                  { key: "x-a", raw_value: Buffer.from("b") },
                ],
              },
            },
          },
        },
      },
    },
    {
      name: "addresses of every kind",
      input: {
        attributes: {
          source: {
            address: { socket_address: { address: "::1", port_value: 0 } },
            principal: "spiffe://a/b",
          },
          destination: { address: { pipe: { path: "/run/x" } } },
        },
      },
    },
    {
      name: "an internal address, extensions, a server name, a time",
      input: {
        attributes: {
          source: {
            address: { envoy_internal_address: { server_listener_name: "inner", endpoint_id: "1" } },
          },
          request: { time: { seconds: 1_800_000_000, nanos: 5 } },
          context_extensions: { tenant: "a", empty: "" },
          tls_session: { sni: "example.org" },
        },
      },
    },
  ];

  it.each(requests)("keep what was sent and add nothing: $name", ({ input }) => {
    expect(throughWire(input)).toEqual(input);
  });

  it("tell a missing message from an empty one", () => {
    expect(throughWire({})).not.toHaveProperty("attributes");
    expect(throughWire({ attributes: {} })).toHaveProperty("attributes", {});
    expect(throughWire({ attributes: { source: {} } }).attributes).not.toHaveProperty("destination");
  });

  it("keep every explicit part of a header change", () => {
    const option: proto.HeaderValueOption = {
      header: { key: "x-user", value: "" },
      append: { value: false },
      append_action: proto.OVERWRITE_IF_EXISTS_OR_ADD,
      keep_empty_value: true,
    };
    const response: proto.CheckResponse = {
      status: { code: 0 },
      ok_response: { headers: [option], headers_to_remove: ["x-b"], response_headers_to_add: [option] },
      dynamic_metadata: proto.struct({ reason: "r", list: [1, null, true, { a: "b" }] }),
    };
    expect(answered(response)).toEqual({ ...response, status: { code: 0 } });
  });

  it("write the deprecated append as a message that is present and false", () => {
    const bytes = authorization.Check.responseSerialize({
      status: {},
      ok_response: { headers: [{ header: { key: "a", value: "b" }, append: { value: false } }] },
    });
    // Field 2 (append), length 2: field 1 (value), 0.
    expect(bytes.toString("hex")).toContain("12020800");
  });

  it("carry a denial and an error", () => {
    const denied = { status: { code: 403 }, body: "no" };
    expect(answered({ status: { code: 7, message: "m" }, denied_response: denied })).toEqual({
      status: { code: 7, message: "m" },
      denied_response: denied,
    });
    expect(answered({ status: { code: 13 }, error_response: denied })).toEqual({
      status: { code: 13 },
      error_response: denied,
    });
  });

  it("pass over fields that are not declared", () => {
    // Field 11 of AttributeContext (metadata_context), empty, beside field 12 (tls_session), empty.
    expect(authorization.Check.requestDeserialize(Buffer.from("0a045a006200", "hex"))).toEqual({
      attributes: { tls_session: {} },
    });
  });

  it.each(["0a05", "0aff", "ff"])("refuse bytes that are cut or no message: %s", (hex) => {
    expect(() => authorization.Check.requestDeserialize(Buffer.from(hex, "hex"))).toThrow();
  });

  it("survive names in maps that every object has", () => {
    const bytes = authorization.Check.requestSerialize({
      attributes: { context_extensions: JSON.parse('{"__proto__":"x","constructor":"y"}') },
    });
    const extensions = authorization.Check.requestDeserialize(bytes).attributes?.context_extensions ?? {};
    expect(Object.entries(extensions)).toContainEqual(["constructor", "y"]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(typeof Object.getPrototypeOf(extensions)).toBe("object");
  });

  it("carry health answers", () => {
    const { Check, Watch } = health;
    expect(Check.requestDeserialize(Check.requestSerialize({ service: "a" }))).toEqual({ service: "a" });
    expect(Watch.responseDeserialize(Watch.responseSerialize({ status: proto.HEALTH_NOT_SERVING }))).toEqual({
      status: proto.HEALTH_NOT_SERVING,
    });
  });
});

describe("struct", () => {
  it("keeps names that every object has and numbers that JSON cannot say", () => {
    const { fields } = proto.struct({ ...JSON.parse('{"__proto__":"x"}'), n: Number.NaN, o: {} });
    expect(Object.entries(fields ?? {})).toEqual([
      ["__proto__", { stringValue: "x" }],
      ["n", { stringValue: "NaN" }],
      ["o", { structValue: { fields: {} } }],
    ]);
  });
});

/** Names, kinds and numbers of ours that theirs do not confirm. */
function differences(here: Facts, there: Facts, newer: Readonly<Record<string, string>>): string[] {
  const found: string[] = [];
  for (const [name, fact] of here) {
    const expected = there.get(name) ?? newer[name];
    if (expected !== fact) found.push(`${name}: ${fact} here, ${expected ?? "nothing"} there`);
  }
  for (const name of Object.keys(newer)) {
    if (there.has(name)) found.push(`${name}: listed as newer, but it is there`);
    if (!here.has(name)) found.push(`${name}: listed as newer, but not used here`);
  }
  return found;
}

function descriptorsOf(definitions: PackageDefinition): Descriptors {
  const descriptors: Descriptors = {};
  for (const [name, definition] of Object.entries(definitions)) {
    // Services have methods instead of a format.
    if ("format" in definition) descriptors[name] = definition.type as unknown as Descriptor;
  }
  return structuredClone(descriptors);
}

function factsOf(descriptors: Descriptors): Facts {
  const all = new Map<string, Descriptor>();
  for (const [name, descriptor] of Object.entries(descriptors)) flatten(name, descriptor, all);
  const facts: Facts = new Map();
  for (const [name, descriptor] of all) {
    for (const field of descriptor.field ?? []) {
      const type = field.typeName === "" ? "" : resolve(name, field.typeName, all);
      facts.set(`${name}.${field.name}`, `${field.number} ${field.label} ${field.type} ${type}`);
    }
    for (const value of descriptor.value ?? []) facts.set(`${name}.${value.name}`, String(value.number));
  }
  return facts;
}

function flatten(name: string, descriptor: Descriptor, all: Map<string, Descriptor>): void {
  all.set(name, descriptor);
  for (const nested of [...(descriptor.nestedType ?? []), ...(descriptor.enumType ?? [])]) {
    flatten(`${name}.${nested.name}`, nested, all);
  }
}

/** The full name that a relative one means: looked up in the scope, then in those around it. */
function resolve(scope: string, typeName: string, all: ReadonlyMap<string, Descriptor>): string {
  const parts = scope.split(".");
  for (let length = parts.length; length >= 0; length--) {
    const name = [...parts.slice(0, length), typeName].join(".");
    if (all.has(name)) return name;
  }
  return `unresolved ${typeName}`;
}

function methodsOf(definitions: PackageDefinition, service: string): Map<string, string> {
  const methods = new Map<string, string>();
  const definition = definitions[service] as unknown as Record<string, Method>;
  for (const method of Object.values(definition)) {
    const stream = (yes: boolean): string => (yes ? "stream " : "");
    const [request, response] = [method.requestType.type.name, method.responseType.type.name];
    methods.set(
      method.path.slice(1),
      `${stream(method.requestStream)}${request} -> ${stream(method.responseStream)}${response}`,
    );
  }
  return methods;
}

interface Method {
  path: string;
  requestStream: boolean;
  responseStream: boolean;
  requestType: { type: { name: string } };
  responseType: { type: { name: string } };
}

function fieldOf(copy: Descriptors, message: string, nested: string, name: string): Field {
  const inner = found(copy[message]?.nestedType, (one) => one.name === nested);
  return found(inner.field, (one) => one.name === name);
}

function found<T>(list: readonly T[] | undefined, test: (one: T) => boolean): T {
  const one = list?.find(test);
  if (one === undefined) throw new Error("the test's own mutation finds nothing to change");
  return one;
}
