/**
 * What goes wrong between Kong and the plugin server. In every case the client gets a denial or an error, and never reaches the
 * upstream; docs/kong.md names these tests.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { decodeMulti } from "@msgpack/msgpack";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  BODY_LIMIT_MAX,
  type MakePlugin,
  type Pdk,
  PROTOCOLS,
  type ProtocolName,
  SNAPSHOT_KEY,
  VERIFIED,
} from "../../plugins/kong/index.ts";
import { loadKong } from "../../proto/kong/index.ts";
import { type KongRequest, type KongVerified, LuaError, pack } from "./client/index.ts";
import {
  ADMINS,
  AMOUNTS,
  newGateway,
  newSocket,
  OTHERS,
  PROTO,
  requestOf,
  SETS,
  setUp,
  shortly,
  startServer,
  tellsOf,
  VALID,
  withHeaders,
} from "./setup.ts";
import { takeSnapshot } from "./snapshot.ts";

const admins = { bundle: ADMINS };
const MIB = 2 ** 20;
/** `ipe kong init` puts the guard behind the plugin; without it only one of the protocols is closed. */
const NO_GUARD = { after: () => undefined };

/** Two denials are told apart: by the policies, 403, and where no decision was made. */
function handler(access: (kong: Pdk) => Promise<unknown>): MakePlugin {
  return () => ({ access });
}

describe.each(PROTOCOLS)("%s", (protocol) => {
  test("allows and denies, when all is well", async () => {
    const { gateway, server } = await setUp({ protocol });
    const allowed = await gateway.request(requestOf(), admins);
    expect(allowed).toMatchObject({ kind: "upstream" });
    expect(allowed.kind === "upstream" && allowed.headers).toContainEqual(["x-checked", "yes"]);
    const denied = await gateway.request(withHeaders(["x-role", "guest"], ["x-checked", "yes"]), admins);
    expect(denied).toMatchObject({ kind: "exit", exit: { status: 403 } });
    expect(denied.kind === "exit" && JSON.parse(denied.exit.body)).toEqual({
      message: "default",
      decision_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(denied.state.serialized.get("ipe")).toMatchObject({ decision: "deny", reason: "default" });
    expect(server.openEvents).toBe(0);
  });

  test("client copies of a settable header never pass, in any spelling", async () => {
    const { gateway } = await setUp({ protocol });
    const forged = withHeaders(
      ["x-role", "admin"],
      ["X_Checked", "forged"],
      ["x-checked", "a"],
      ["x-checked", "b"],
    );
    const outcome = await gateway.request(forged, admins);
    expect(outcome.kind === "upstream" && outcome.headers.filter(([name]) => /x.checked/.test(name))).toEqual(
      [["x-checked", "yes"]],
    );
  });

  describe("frames", () => {
    test.each([1, 2, 3, 5, 7, 11, 64])("split every %i bytes", async (chunkBytes) => {
      const { gateway } = await setUp({ protocol, chunkBytes });
      expect(shortly(await gateway.request(requestOf(), admins))).toBe("upstream");
      expect(shortly(await gateway.request(withHeaders(), admins))).toBe("403");
    });

    test("two in one chunk", async () => {
      const { socket } = await setUp({ protocol });
      const calls = twoCalls(protocol);
      expect(await answersTo(socket, Buffer.concat(calls), protocol)).toBe(2);
    });

    test("two calls, split at every byte", async () => {
      const { socket } = await setUp({ protocol });
      const stream = Buffer.concat(twoCalls(protocol));
      for (let at = 1; at < stream.length; at++)
        expect(await answersTo(socket, stream, protocol, at), `split at ${at}`).toBe(2);
    });

    test("bytes that are no frame close that connection, and no other one", async () => {
      const { gateway, socket } = await setUp({ protocol });
      expect(shortly(await gateway.request(requestOf(), admins))).toBe("upstream");
      // A frame of five bytes that are no message, and a byte that begins no value.
      const nonsense = Buffer.from(protocol === "MsgPack:1" ? "c1" : "05000000ffffffffff", "hex");
      expect(await answersTo(socket, nonsense, protocol)).toBe(0);
      expect(shortly(await gateway.request(requestOf(), admins))).toBe("upstream");
    });
  });

  describe("the server", () => {
    test("was never there", async () => {
      const gateway = newGateway(newSocket(), { protocol });
      expect(shortly(await gateway.request(requestOf(), admins))).toBe("error");
    });

    test("is gone", async () => {
      const { gateway, server } = await setUp({ protocol });
      await gateway.request(requestOf(), admins);
      await server.stop();
      expect(shortly(await gateway.request(requestOf(), admins))).toBe(
        protocol === "MsgPack:1" ? "503" : "error",
      );
    });

    test.each(["kong.request.get_method", "kong.service.request.set_headers", "kong.ctx.shared.set"])(
      "is killed while Kong carries out %s, and comes back",
      async (fatal) => {
        const socket = newSocket();
        let child: ChildProcess | null = await spawnServer(socket, protocol);
        const onCall = (method: string): void => {
          if (method === fatal) child?.kill("SIGKILL");
        };
        const gateway = newGateway(socket, { protocol, onCall });
        const outcome = await gateway.request(requestOf(), admins);
        // What was recorded before it died stands.
        const recorded = fatal === "kong.ctx.shared.set" && protocol === "MsgPack:1";
        expect(recorded ? ["upstream"] : ["503", "error"]).toContain(shortly(outcome));
        child = null;
        await spawnServer(socket, protocol);
        expect(shortly(await gateway.request(requestOf(), admins))).toBe("upstream");
      },
    );

    test("hangs", async () => {
      const plugin = handler(() => new Promise(() => undefined));
      const { gateway, server } = await setUp({ protocol, plugin, limitMs: 30, ...NO_GUARD });
      expect(shortly(await gateway.request(requestOf(), {}))).toBe("503");
      expect(server.openEvents).toBe(0);
    });

    test("hangs after Kong has answered", async () => {
      const plugin = handler(async (kong) => {
        await kong.request.getMethod();
        await new Promise(() => undefined);
      });
      const { gateway, server } = await setUp({ protocol, plugin, limitMs: 30, ...NO_GUARD });
      expect(shortly(await gateway.request(requestOf(), {}))).toBe("503");
      expect(server.openEvents).toBe(0);
    });

    test("is stopped by the system", async () => {
      const socket = newSocket();
      const child = await spawnServer(socket, protocol);
      const gateway = newGateway(socket, { protocol, receiveMs: 300 });
      await gateway.request(requestOf(), admins);
      child.kill("SIGSTOP");
      // After 60 s in real Kong.
      expect(["503", "error"]).toContain(shortly(await gateway.request(requestOf(), admins)));
      child.kill("SIGCONT");
    });

    test("waits for Kong longer than its own limit, where Kong waits for the client's body", async () => {
      const plugin = handler(async (kong) => {
        for (let i = 0; i < 3; i++) await kong.request.getMethod();
        await kong.ctx.shared.set("ipe_decision", '{"pass":true}');
      });
      const { gateway } = await setUp({ protocol, plugin, limitMs: 60, chunkBytes: 1 });
      expect(shortly(await gateway.request(requestOf({ method: "x".repeat(300) }), {}))).toBe("upstream");
    });
  });

  describe("the handler", () => {
    test.each<[string, (kong: Pdk) => Promise<unknown>]>([
      ["rejects", () => Promise.reject(new Error("no"))],
      [
        "throws",
        () => {
          throw new Error("no");
        },
      ],
      ["throws something that is no error", () => Promise.reject(undefined)],
      [
        "rejects after a call",
        async (kong) => {
          await kong.request.getMethod();
          throw new Error("no");
        },
      ],
      ["ends without a decision", async () => undefined],
      ["records something else", (kong) => kong.ctx.shared.set("other", "yes")],
      ["forgets to wait for its calls", async (kong) => void kong.request.getMethod().catch(() => undefined)],
      ["calls with what Kong refuses", (kong) => kong.request.getHeaders(5000)],
    ])("%s", async (_, access) => {
      const { gateway, server } = await setUp({ protocol, plugin: handler(access), ...NO_GUARD });
      expect(["503", "error"]).toContain(shortly(await gateway.request(requestOf(), {})));
      await sleep(5);
      // Of MsgPack:1 Kong does not tell when it gave up: such an event is swept later.
      expect(server.openEvents).toBeLessThanOrEqual(protocol === "MsgPack:1" ? 1 : 0);
    });

    test("goes on after it has ended the request", async () => {
      let after: unknown;
      const plugin = handler(async (kong) => {
        await kong.response.exit(418, "", {});
        after = await kong.request.getMethod().catch((problem: unknown) => problem);
        await kong.ctx.shared.set("ipe_decision", '{"pass":true}');
      });
      const { gateway, server } = await setUp({ protocol, plugin, ...NO_GUARD });
      expect(shortly(await gateway.request(requestOf(), {}))).toBe("418");
      await sleep(5);
      expect(after).toBeInstanceOf(Error);
      expect(server.openEvents).toBe(0);
    });
  });

  describe("instances", () => {
    test("after a restart an old id is never another configuration's", async () => {
      const { gateway, server, socket } = await setUp({ protocol });
      expect(shortly(await gateway.request(requestOf(), admins))).toBe("upstream");
      const old = gateway.instanceOf()!;
      await server.stop();
      await startServer(socket, { protocol });
      const other = newGateway(socket, { protocol });
      for (let i = 0; i < 20; i++) await other.request(withHeaders(), { bundle: OTHERS, i }, `plugin ${i}`);
      for (let i = 0; i < 20; i++) expect(other.instanceOf(`plugin ${i}`)).not.toEqual(old);
      // Kong starts it anew, and the answer is that of its own configuration.
      expect(shortly(await gateway.request(withHeaders(), admins))).toBe("403");
      expect(shortly(await gateway.request(requestOf(), admins))).toBe("upstream");
    });

    test("ids start at a random number", async () => {
      const ids = new Set<number>();
      for (let i = 0; i < 5; i++) {
        const { gateway } = await setUp({ protocol });
        await gateway.request(requestOf(), admins);
        ids.add(gateway.instanceOf()!.id);
      }
      expect(ids.size).toBe(5);
      expect(Math.min(...ids)).toBeGreaterThan(0);
      expect(Math.max(...ids)).toBeLessThan(2 ** 31);
    });

    test("a changed configuration is a new instance, and the old one is closed", async () => {
      const { gateway, server } = await setUp({ protocol });
      expect(shortly(await gateway.request(requestOf(), admins))).toBe("upstream");
      expect(shortly(await gateway.request(requestOf(), { bundle: OTHERS }))).toBe("403");
      expect(server.instances).toBe(1);
    });

    test.each([
      ["neither a bundle nor a path", {}],
      ["both", { bundle: ADMINS, bundle_path: "/policy.ipeb" }],
      ["a path that leads nowhere", { bundle_path: "/nowhere/policy.ipeb" }],
      ["a bundle that is no base64", { bundle: "/etc/policy.ipeb" }],
      ["a bundle with a bit turned", { bundle: `${ADMINS.slice(0, -8)}${"A".repeat(8)}` }],
      ["a mode that does not exist", { ...admins, mode: "open" }],
      ["a limit that is too high", { ...admins, body_limit: 262_145 }],
    ])("%s: the configuration is refused, and Kong answers 500", async (_, config) => {
      const { gateway } = await setUp({ protocol, ...NO_GUARD });
      expect(shortly(await gateway.request(requestOf(), config))).toBe("error");
    });
  });

  describe("requests", () => {
    test.each([10 * MIB, 40 * MIB])("a body of %i bytes", async (size) => {
      const { gateway } = await setUp({ protocol });
      const body = Buffer.alloc(size, " ");
      body.write('{"amount": 1}');
      const headers = [
        ["content-type", "application/json"] as const,
        ["content-length", String(size)] as const,
      ];
      const request = { ...withHeaders(...headers), body };
      expect(shortly(await gateway.request(request, { bundle: AMOUNTS }))).toBe("403");
      const small = { ...withHeaders(headers[0]!), body: Buffer.from('{"amount": 1}') };
      expect(shortly(await gateway.request(small, { bundle: AMOUNTS }))).toBe("upstream");
    });

    test("a body that Kong keeps in a file", async () => {
      const { gateway } = await setUp({ protocol, ...NO_GUARD });
      const request = { ...withHeaders(["content-type", "application/json"]), body: "in-file" as const };
      // Kong's MsgPack client fails over it by itself.
      expect(shortly(await gateway.request(request, { bundle: AMOUNTS }))).toBe(
        protocol === "MsgPack:1" ? "error" : "403",
      );
    });

    test("a body that Kong keeps in a file, with a snapshot", async () => {
      const { gateway } = await setUp({
        protocol,
        before: (state) => takeSnapshot(state, { bodyLimit: BODY_LIMIT_MAX }),
      });
      const request = { ...withHeaders(["content-type", "application/json"]), body: "in-file" as const };
      expect(shortly(await gateway.request(request, { bundle: AMOUNTS }))).toBe("403");
      const small = { ...request, body: Buffer.from('{"amount": 1}') };
      const outcome = await gateway.request(small, { bundle: AMOUNTS });
      expect([shortly(outcome), outcome.state.calls]).toEqual([
        "upstream",
        ["kong.ctx.shared.get", "kong.ctx.shared.set"],
      ]);
    });

    test("a body over the plugin's limit", async () => {
      const { gateway } = await setUp({ protocol });
      const request = {
        ...withHeaders(["content-type", "application/json"]),
        body: Buffer.from('{"amount":1}'),
      };
      const config = { bundle: AMOUNTS, body_limit: 12 };
      expect(shortly(await gateway.request(request, config))).toBe("upstream");
      expect(shortly(await gateway.request(request, { ...config, body_limit: 11 }))).toBe("403");
    });

    test.each<[string, Partial<KongRequest>]>([
      [
        "in a header",
        {
          headers: [
            ["host", "a"],
            ["x-role", Buffer.from("61646d696eff", "hex")],
          ],
        },
      ],
      ["in the path", { target: Buffer.from("2fff", "hex") }],
      [
        "in the host",
        {
          headers: [
            ["host", Buffer.from("ff", "hex")],
            ["x-role", "admin"],
          ],
        },
      ],
      ["in the method", { method: Buffer.from("47ff", "hex") }],
      ["an overlong form", { target: Buffer.from("2fc0af", "hex") }],
    ])("bytes that are no UTF-8 %s", async (_, overrides) => {
      const { gateway } = await setUp({ protocol });
      // Denies where one of the three, or the role, is invalid.
      const bundle = VALID;
      expect(shortly(await gateway.request(requestOf(), { bundle }))).toBe("upstream");
      expect(shortly(await gateway.request(requestOf(overrides), { bundle }))).toBe("403");
    });

    test("a header called __proto__", async () => {
      const { gateway } = await setUp({ protocol });
      const evil = withHeaders(["__proto__", "admin"], ["x-role", "guest"]);
      expect(shortly(await gateway.request(evil, admins))).toBe("403");
      expect(
        shortly(await gateway.request(withHeaders(["__proto__", "x"], ["x-role", "admin"]), admins)),
      ).toBe("upstream");
      expect(shortly(await gateway.request(withHeaders(["__proto__", "x"]), { bundle: PROTO }))).toBe(
        "upstream",
      );
    });

    test("more headers than Kong tells", async () => {
      const { gateway } = await setUp({ protocol });
      const many = Array.from({ length: 999 }, (_, i) => [`x-${i}`, "1"] as const);
      const config = { bundle: OTHERS };
      expect(shortly(await gateway.request(withHeaders(...many.slice(0, 998)), config))).toBe("upstream");
      const copies = withHeaders(...many, ["x_checked", "forged"]);
      expect(shortly(await gateway.request(copies, { bundle: SETS }))).toBe("503");
      expect(shortly(await gateway.request(withHeaders(["x_checked", "forged"]), { bundle: SETS }))).toBe(
        "upstream",
      );
      // The role may be the one that was not told.
      expect(shortly(await gateway.request(withHeaders(...many, ["x-role", "admin"]), config))).toBe("403");
    });

    test("a phase in which nothing is decided", async () => {
      const { gateway, socket } = await setUp({ protocol });
      await gateway.request(requestOf(), admins);
      const { id } = gateway.instanceOf()!;
      const reply = await firstAnswer(socket, eventCall(protocol, id, "rewrite"));
      expect(reply.toString("latin1")).toContain("kong.response.exit");
    });
  });

  describe("the snapshot", () => {
    test.each([
      ["no JSON", "nonsense"],
      ["no object", "null"],
      ["another version", '{"version":1,"method":"GET"}'],
      ["no text", 1],
    ])("is %s", async (_, snapshot) => {
      const before = (state: { shared: Map<string, unknown> }): void => {
        state.shared.set(SNAPSHOT_KEY, snapshot);
      };
      const { gateway } = await setUp({ protocol, before, ...NO_GUARD });
      expect(shortly(await gateway.request(requestOf(), admins))).toBe("503");
      expect(shortly(await gateway.request(requestOf(), { ...admins, mode: "permissive" }))).toBe("upstream");
    });

    test.each(["method", "target", "headers"])("tells no %s", async (member) => {
      const told = { version: 2, method: "GET", target: "/", headers: { host: "a", "x-role": "admin" } };
      const before = (state: { shared: Map<string, unknown> }): void => {
        state.shared.set(SNAPSHOT_KEY, JSON.stringify({ ...told, [member]: undefined }));
      };
      const { gateway } = await setUp({ protocol, before, ...NO_GUARD });
      expect(shortly(await gateway.request(requestOf(), { bundle: VALID }))).toBe("403");
    });
  });

  describe("what Kong has verified", () => {
    const consumer = { id: "c1", username: "ann", tags: ["x"], created_at: 1 };
    const payload = (json: string): string => Buffer.from(json).toString("base64url");
    const token = (json: string): KongVerified => ({
      shared: { authenticated_jwt_token: `h.${payload(json)}.s` },
    });
    const groups = (of: unknown): KongVerified => ({ shared: { authenticated_groups: of } });

    /** What the policy sees: `known`, `absent`, or of a denial its reason; `error` is Kong's own answer. */
    async function seen(
      setup: Awaited<ReturnType<typeof setUp>>,
      key: string,
      verified: KongVerified,
    ): Promise<string> {
      const list = key === "consumer.groups" || key.endsWith(".tags");
      const bundle = tellsOf(key, "ann", list);
      const outcome = await setup.gateway.request(requestOf({ verified }), { bundle });
      expect(JSON.stringify([...outcome.state.serialized])).not.toMatch(/ann|secret/);
      if (outcome.kind === "upstream") return outcome.headers.find(([name]) => name === "x-is")![1] as string;
      return outcome.kind === "exit" ? outcome.exit.headers.get("x-ipe-reason")! : outcome.kind;
    }

    // Asked, told by the snapshot; what ProtoBuf:1 cannot say is an error in Kong.
    test.each<[string, string, KongVerified, string, string?]>([
      ["a consumer", "consumer.username", { consumer }, "known"],
      ["no consumer", "consumer.username", {}, "absent"],
      ["a consumer with another name", "consumer.username", { consumer: { id: "ann" } }, "absent"],
      ["a consumer that is a text", "consumer.username", { consumer: "ann" }, "Absent", "error"],
      [
        "a username that is a table",
        "consumer.username",
        { consumer: { id: "c1", username: {} } },
        "Absent",
        "error",
      ],
      [
        "a username that is no UTF-8",
        "consumer.username",
        { consumer: { username: Buffer.from("616e6eff", "hex") } },
        "Absent",
      ],
      ["a credential", "credential.id", { credential: { id: "ann", key: "secret" } }, "known"],
      ["a route with tags", "route.tags", { route: { id: "r", tags: ["b", "ann"] } }, "known"],
      ["a route without tags", "route.tags", { route: { id: "r" } }, "absent"],
      ["a route with an empty list of tags", "route.tags", { route: { id: "r", tags: [] } }, "absent"],
      ["a tag with a comma", "route.tags", { route: { id: "r", tags: ["ann", "a,b"] } }, "Absent"],
      ["no service", "service.name", { route: { id: "r" } }, "absent"],
      ["a service", "service.name", { service: { id: "s", name: "ann" } }, "known"],
      ["groups of ldap-auth", "consumer.groups", groups(["b", "ann"]), "known"],
      ["no groups at all", "consumer.groups", {}, "absent"],
      ["an empty list of groups", "consumer.groups", groups([]), "default"],
      ["groups that are numbers", "consumer.groups", groups([1, 2]), "Absent"],
      ["groups that are a text", "consumer.groups", groups("ann"), "Absent"],
      ["groups by name", "consumer.groups", groups({ ann: "ann" }), "Absent"],
      ["groups that are a number", "consumer.groups", groups(0), "Absent"],
      ["a group with a comma", "consumer.groups", groups(["ann", "b,ann"]), "Absent"],
      ["no token", "jwt.sub", {}, "absent"],
      ["a claim", "jwt.sub", token('{"sub":"ann"}'), "known"],
      ["a claim that is not there", "jwt.sub", token('{"name":"ann"}'), "absent"],
      ["claims twice", "jwt.sub", token('{"sub":"ann","sub":"ann"}'), "Absent"],
      ["another claim twice", "jwt.sub", token('{"sub":"ann","a":[{"b":1,"b":1}]}'), "Absent"],
      ["a payload that is no JSON", "jwt.sub", token('{"sub":"ann",}'), "Absent"],
      ["a payload that is no base64", "jwt.sub", { shared: { authenticated_jwt_token: "h.*.s" } }, "Absent"],
      [
        "a payload with padding",
        "jwt.sub",
        { shared: { authenticated_jwt_token: `h.${payload('{"sub":"ann"}')}=.s` } },
        "Absent",
      ],
      ["a token of a megabyte", "jwt.sub", token(`{"sub":"ann","a":"${"x".repeat(MIB)}"}`), "Absent"],
      ["a token that is a number", "jwt.sub", { shared: { authenticated_jwt_token: 5 } }, "Absent"],
      [
        "a token that is a list",
        "jwt.sub",
        { shared: { authenticated_jwt_token: [`h.${payload('{"sub":"ann"}')}.s`] } },
        "Absent",
      ],
      ["a token that is empty", "jwt.sub", { shared: { authenticated_jwt_token: "" } }, "Absent"],
    ])("%s", async (_, key, verified, want, wantOfProtobuf = want) => {
      const asking = await setUp({ protocol });
      expect(await seen(asking, key, verified)).toBe(protocol === "ProtoBuf:1" ? wantOfProtobuf : want);
      const telling = await setUp({
        protocol,
        before: (state) => takeSnapshot(state, { verified: VERIFIED }),
      });
      expect(await seen(telling, key, verified)).toBe(want);
    });

    test("groups of a consumer: only the snapshot can have them", async () => {
      const verified = { consumer, aclGroups: ["ann"], ...groups(["ann"]) };
      expect(await seen(await setUp({ protocol }), "consumer.groups", verified)).toBe("Absent");
      const telling = await setUp({
        protocol,
        before: (state) => takeSnapshot(state, { verified: ["groups"] }),
      });
      expect(await seen(telling, "consumer.groups", verified)).toBe("known");
      expect(await seen(telling, "consumer.groups", { ...verified, aclGroups: ["b"] })).toBe("default");
      expect(await seen(telling, "consumer.groups", { ...verified, aclGroups: [] })).toBe("default");
      expect(await seen(telling, "consumer.groups", { ...verified, aclGroups: undefined })).toBe("Absent");
    });

    test("what a snapshot does not hand over is asked for, and nothing else", async () => {
      const setup = await setUp({
        protocol,
        before: (state) => takeSnapshot(state, { verified: ["route"] }),
      });
      const verified = { consumer, route: { id: "r", name: "ann" } };
      expect(await seen(setup, "consumer.username", verified)).toBe("known");
      const bundle = tellsOf("route.name", "ann");
      const outcome = await setup.gateway.request(requestOf({ verified }), { bundle });
      expect([shortly(outcome), outcome.state.calls]).toEqual([
        "upstream",
        ["kong.ctx.shared.get", "kong.service.request.set_headers", "kong.ctx.shared.set"],
      ]);
      const asked = await setup.gateway.request(requestOf({ verified }), {
        bundle: tellsOf("consumer.id", "c1"),
      });
      expect(asked.state.calls.slice(0, 2)).toEqual(["kong.ctx.shared.get", "kong.client.get_consumer"]);
    });

    test.each<[string, unknown]>([
      ["nothing", undefined],
      ["null", null],
      ["a text", "consumer"],
      ["a list", []],
    ])("a snapshot that has read it, and says %s of it", async (_, verified) => {
      const told = {
        version: 2,
        method: "GET",
        target: "/",
        headers: { host: "a" },
        verified,
        verified_read: ["consumer"],
      };
      const before = (state: { shared: Map<string, unknown> }): void => {
        state.shared.set(SNAPSHOT_KEY, JSON.stringify(told));
      };
      const { gateway } = await setUp({ protocol, before, ...NO_GUARD });
      const bundle = tellsOf("consumer.username", "ann");
      expect(shortly(await gateway.request(requestOf(), { bundle }))).toBe("503");
    });

    test.each(["tenant", "credential.key", "jwt."])(
      "a bundle that reads the key %s is refused",
      async (key) => {
        const { gateway } = await setUp({ protocol, ...NO_GUARD });
        expect(shortly(await gateway.request(requestOf(), { bundle: tellsOf(key, "a") }))).toBe("error");
      },
    );
  });

  test("permissive: denials are told and let pass, without obligations, and without clients' copies", async () => {
    const { gateway } = await setUp({ protocol });
    const config = { ...admins, mode: "permissive" };
    const outcome = await gateway.request(withHeaders(["x-checked", "forged"]), config);
    expect(outcome.kind === "upstream" && outcome.headers).toEqual([["host", "example.org"]]);
    expect(outcome.state.serialized.get("ipe")).toMatchObject({ decision: "deny", mode: "permissive" });
  });
});

describe("MsgPack:1", () => {
  const protocol = "MsgPack:1";

  test("without the guard Kong lets the request of a dead server pass: why there is one", async () => {
    const { gateway, server } = await setUp({ protocol, ...NO_GUARD });
    await gateway.request(requestOf(), admins);
    await server.stop();
    expect(shortly(await gateway.request(requestOf(), admins))).toBe("upstream");
  });

  test("a step of an event that is not known, such as one of a server before this one", async () => {
    const { socket } = await setUp({ protocol });
    for (const method of ["plugin.Step", "plugin.StepError", "plugin.StepMultiMap"]) {
      const reply = await firstAnswer(socket, pack([0, 1, method, [{ EventId: 5, Data: "x" }]]));
      expect([...decodeMulti(reply)]).toMatchObject([
        [
          1,
          1,
          null,
          {
            EventId: 5,
            Data: { Method: "kong.response.exit", Args: [503, expect.anything(), expect.anything()] },
          },
        ],
      ]);
    }
  });

  test("Kong says that a call failed", async () => {
    const { gateway, socket, server } = await setUp({ protocol });
    await gateway.request(requestOf(), admins);
    const event = { InstanceId: gateway.instanceOf()!.id, EventName: "access" };
    const asked = [...decodeMulti(await firstAnswer(socket, pack([0, 1, "plugin.HandleEvent", [event]])))];
    const [[, , , { EventId }]] = asked as [[number, number, null, { EventId: number }]];
    expect(server.openEvents).toBe(1);
    const reply = await firstAnswer(socket, pack([0, 2, "plugin.StepError", [{ EventId, Data: "no" }]]));
    // The plugin wants to say why, then ends the request.
    expect(reply.toString("latin1")).toMatch(/kong\.(?:log\.set_serialize_value|response\.exit)/);
  });

  test("what it is told about itself is what the dump says", async () => {
    const { socket } = await setUp({ protocol });
    const reply = await firstAnswer(socket, pack([0, 1, "plugin.GetPluginInfo", ["ipe-node"]]));
    expect([...decodeMulti(reply)]).toMatchObject([[1, 1, null, { Name: "ipe-node", Phases: ["access"] }]]);
  });
});

async function spawnServer(socket: string, protocol: ProtocolName): Promise<ChildProcess> {
  const script = fileURLToPath(new URL("server.fixture.ts", import.meta.url));
  const child = spawn(process.execPath, [script, socket, protocol], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout!, "data");
  return child;
}

const kong = loadKong();

function frame(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Two calls that are answered at once. */
function twoCalls(protocol: ProtocolName): Buffer[] {
  if (protocol === "MsgPack:1")
    return [1, 2].map((id) => pack([0, id, "plugin.GetPluginInfo", ["ipe-node"]]));
  return [1, 2].map((sequence) =>
    frame(kong.call.requestSerialize({ sequence, cmd_get_plugin_info: { name: "ipe-node" } })),
  );
}

function eventCall(protocol: ProtocolName, id: number, phase: string): Buffer {
  if (protocol === "MsgPack:1")
    return pack([0, 1, "plugin.HandleEvent", [{ InstanceId: id, EventName: phase }]]);
  return frame(
    kong.call.requestSerialize({ sequence: 1, cmd_handle_event: { instance_id: id, event_name: phase } }),
  );
}

/** How many answers come to what is sent, in one chunk or split in two: two, or what there is after a while. */
async function answersTo(
  socket: string,
  bytes: Buffer,
  protocol: ProtocolName,
  splitAt = 0,
): Promise<number> {
  const connection = connect(socket);
  await once(connection, "connect");
  let received = Buffer.alloc(0);
  const done = new Promise<void>((resolve) => {
    connection.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (countOf(received, protocol) >= 2) resolve();
    });
    connection.on("close", () => resolve());
    setTimeout(resolve, 1000).unref();
  });
  if (splitAt > 0) {
    connection.write(bytes.subarray(0, splitAt));
    await sleep(1);
  }
  connection.write(bytes.subarray(splitAt));
  await done;
  connection.destroy();
  return countOf(received, protocol);
}

function countOf(received: Buffer, protocol: ProtocolName): number {
  if (protocol === "MsgPack:1") return whole(() => [...decodeMulti(received)].length);
  return whole(() => lengthsIn(received));
}

/** 0 where there is no whole number of answers. */
function whole(count: () => number): number {
  try {
    return count();
  } catch (problem) {
    if (problem instanceof RangeError) return 0;
    throw problem;
  }
}

function lengthsIn(received: Buffer): number {
  let count = 0;
  for (let at = 0; at < received.length; count++) at += 4 + received.readUInt32LE(at);
  return count;
}

async function firstAnswer(socket: string, bytes: Buffer): Promise<Buffer> {
  const connection = connect(socket);
  connection.write(bytes);
  const [chunk] = (await once(connection, "data")) as [Buffer];
  connection.destroy();
  return chunk;
}

test("the model of Kong refuses what Kong refuses", async () => {
  const { callKong, newState } = await import("./client/index.ts");
  expect(() => callKong(newState(requestOf()), "kong.request.get_headers", [1001])).toThrow(LuaError);
});
