/** Our words for ProtoBuf:1 against the bytes of Kong's: numbers and types of kong/include/kong/pluginsocket.proto, 3.9.3. */
import { expect, test } from "vitest";
import { loadKong } from "../../proto/kong/index.ts";

const kong = loadKong();

test.each([
  // Field 33 is the bytes 8a 02, field 36 a2 02, field 35 9a 02: number * 8 + 2.
  [{ sequence: 1, cmd_get_plugin_names: {} }, "0801 fa0100"],
  [{ sequence: 1, cmd_get_plugin_info: { name: "ab" } }, "0801 820204 0a026162"],
  [
    { sequence: 2, cmd_start_instance: { name: "a", config: Buffer.from("{}") } },
    "0802 8a0207 0a0161 12027b7d",
  ],
  [{ sequence: 3, cmd_get_instance_status: { instance_id: 7 } }, "0803 920202 0807"],
  [{ sequence: 3, cmd_close_instance: { instance_id: 7 } }, "0803 9a0202 0807"],
  [
    { sequence: 300, cmd_handle_event: { instance_id: 2 ** 30, event_name: "access" } },
    "08ac02 a2020e 088080808004 1206616363657373",
  ],
])("%j", (call, hex) => {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  expect(kong.call.requestSerialize(call).toString("hex")).toBe(bytes.toString("hex"));
  expect(JSON.stringify(kong.call.requestDeserialize(bytes))).toBe(JSON.stringify(call));
});

test.each([
  [{ sequence: 1 }, "0801"],
  [{ sequence: 1, plugin_names: { names: ["a"] } }, "0801 fa0103 0a0161"],
  [
    { sequence: 1, plugin_info: { name: "a", phases: ["b"], version: "c", priority: 3, schema: "d" } },
    "0801 82020e 0a0161 220162 2a0163 3003 3a0164",
  ],
  [
    { sequence: 1, instance_status: { name: "a", instance_id: 5, started_at: 9 } },
    "0801 8a0207 0a0161 1005 2009",
  ],
])("%j", (answer, hex) => {
  expect(kong.call.responseSerialize(answer).toString("hex")).toBe(hex.replaceAll(" ", ""));
});

test.each([
  ["kong.ctx.shared.set", { k: "a", v: { string_value: Buffer.from("b") } }, "0a0161 1203 1a0162"],
  ["kong.nginx.get_var", { v: Buffer.from("a") }, "0a0161"],
  ["kong.request.get_headers", { v: 1000 }, "08e807"],
  [
    "kong.response.exit",
    { status: 403, body: Buffer.from("x"), headers: { fields: { a: { string_value: Buffer.from("b") } } } },
    "089303 120178 1a0a 0a08 0a0161 1203 1a0162",
  ],
  [
    "kong.service.request.set_headers",
    { fields: { a: { string_value: Buffer.from("b") } } },
    "0a08 0a0161 1203 1a0162",
  ],
])("the arguments of %s", (name, argument, hex) => {
  expect(kong.functions.get(name)!.requestSerialize(argument).toString("hex")).toBe(hex.replaceAll(" ", ""));
});

test.each([
  ["kong.request.get_method", "0a0147", { v: Buffer.from("G") }],
  ["kong.client.get_forwarded_port", "085b", { v: 91 }],
  ["kong.request.get_http_version", "09 9a9999999999f13f", { v: 1.1 }],
  ["kong.request.get_raw_body", "0a0178", { content: Buffer.from("x") }],
  ["kong.request.get_raw_body", "120161", { body_filepath: "a" }],
  ["kong.request.get_raw_body", "1a0161", { error: "a" }],
  // Fields that we do not name stand between them: 2 created_at, 5 tags; 18 service; 14 client_certificate.
  [
    "kong.client.get_consumer",
    "0a0161 1001 1a0162 220163 2a0164",
    { id: Buffer.from("a"), username: Buffer.from("b"), custom_id: Buffer.from("c") },
  ],
  ["kong.client.get_consumer", "", {}],
  ["kong.client.get_credential", "0a0161 120162", { id: Buffer.from("a") }],
  [
    "kong.router.get_route",
    "0a0161 220162 8a0101ff 8a010163 9201 03 0a0164",
    { id: Buffer.from("a"), name: Buffer.from("b"), tags: [Buffer.of(0xff), Buffer.from("c")] },
  ],
  [
    "kong.router.get_service",
    "0a0161 220162 6a0163 7203 0a0164",
    { id: Buffer.from("a"), name: Buffer.from("b"), tags: [Buffer.from("c")] },
  ],
  [
    "kong.request.get_headers",
    "0a11 0a0161 120c 320a 0a03 1a01ff 0a03 1a0162",
    {
      fields: {
        a: {
          list_value: { values: [{ string_value: Buffer.of(0xff) }, { string_value: Buffer.from("b") }] },
        },
      },
    },
  ],
])("a result of %s", (name, hex, result) => {
  const decoded = kong.functions.get(name)!.responseDeserialize(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  expect(JSON.parse(JSON.stringify(decoded))).toEqual(JSON.parse(JSON.stringify(result)));
});

test("functions have the names that Kong has for them", () => {
  expect([...kong.functions.keys()].sort()).toEqual([
    "kong.client.get_consumer",
    "kong.client.get_credential",
    "kong.client.get_forwarded_ip",
    "kong.client.get_forwarded_port",
    "kong.ctx.shared.get",
    "kong.ctx.shared.set",
    "kong.log.set_serialize_value",
    "kong.nginx.get_var",
    "kong.nginx.req_start_time",
    "kong.request.get_forwarded_scheme",
    "kong.request.get_headers",
    "kong.request.get_http_version",
    "kong.request.get_method",
    "kong.request.get_path_with_query",
    "kong.request.get_raw_body",
    "kong.request.get_raw_query",
    "kong.response.exit",
    "kong.router.get_route",
    "kong.router.get_service",
    "kong.service.request.clear_header",
    "kong.service.request.set_headers",
    "kong.service.request.set_raw_query",
  ]);
});
